"""Everything in the Wagtail admin: view sets, their forms, columns, filters and panels."""
