"""Citizens and staff: who somebody is, and what he may do."""
