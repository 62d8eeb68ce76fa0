"""What authors of plugins, and our own tests, get to test with. Needs pytest; the portal never imports it."""
