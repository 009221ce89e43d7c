"""The live view: what a desk does as it happens, on a terminal, as lines or as JSON. It only reads the record."""
