"""What a valid course regex is, and what a URL is to it. Pure: no models, no requests, no settings."""
