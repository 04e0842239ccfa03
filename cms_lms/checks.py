"""System checks: a wrong setting is found at start-up, with the fix in its hint."""
