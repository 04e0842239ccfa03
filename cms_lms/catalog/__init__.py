"""Ready-made course pages; optional, a site may bring its own page model with a foreign key to ``Course``."""
