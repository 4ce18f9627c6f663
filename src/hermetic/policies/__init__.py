"""Policy files: TOML that says what to take away and what to give back, read once and only when asked for."""
