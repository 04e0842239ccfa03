"""What the site's own frame is made with."""
