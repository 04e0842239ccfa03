"""The runnable site: one user of the app, with no privileges. Nothing in ``cms_lms`` imports it."""
