"""From signed bytes to a changed course run."""
