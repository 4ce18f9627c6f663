"""Landlock and seccomp, put on by the process itself."""
