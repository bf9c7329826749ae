"""Site: static pages of what is published, from signed metadata and what it names."""
