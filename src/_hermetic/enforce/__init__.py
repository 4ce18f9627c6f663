"""How a policy is held: patches, the audit hook, and one session that decides."""
