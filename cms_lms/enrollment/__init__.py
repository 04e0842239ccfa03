"""What a course page shows of its runs: the panels' context, the headers they need, and the read API."""
