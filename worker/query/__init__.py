"""The query language of rules, silences and search: what a query asks, and whether an article says it. Pure."""
