"""What happens in an interpreter before the first line of its program: where modules come from, and start-up files."""
