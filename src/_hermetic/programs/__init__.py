"""What is started: executables, their first lines and words, the library and the variables that they start with."""
