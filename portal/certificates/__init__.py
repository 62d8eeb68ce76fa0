"""Certificates: templates of the municipality as PDF/A, the code by which they are checked, the seal."""
