"""Lists of names that come in, what is doubtful in them, and why a text names whom."""
