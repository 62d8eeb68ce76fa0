"""Papers that are missing from a case: asked for, sent, made harmless, reviewed."""
