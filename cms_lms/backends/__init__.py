"""The Python side of each kind of LMS. Takes plain values, never records."""
