"""A feed history through the real pipeline on a simulated clock, in a scratch store: what would have been told, and when."""
