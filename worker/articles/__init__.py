"""Articles' text and addresses, cleaned; the keys by which articles of one story find each other. Pure."""
