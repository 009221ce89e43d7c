"""A feed history through the real pipeline on a simulated clock: what would have been told, and when."""
