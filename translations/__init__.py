"""Greek and English catalogues of the core."""
