"""Issued documents: made by a clerk, delivered the way the citizen chose."""
