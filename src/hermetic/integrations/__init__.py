"""hermetic inside other tools: one host each. A host's own modules are imported only when that host loads them."""
