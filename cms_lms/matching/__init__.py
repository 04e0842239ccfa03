"""Which backend owns a URL: the handler, and the index of its choices."""
