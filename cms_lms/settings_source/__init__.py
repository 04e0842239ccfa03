"""The value of a setting, told from the source of a settings module without running it."""
