"""Offices and their services: what is offered, where and when."""
