"""Points of carriers at which a document can be collected: the kept lists, and the search in them."""
