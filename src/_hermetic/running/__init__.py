"""A run from its first line to its exit status: here, or as the other end of a journey."""
