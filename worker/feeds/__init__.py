"""Feeds: fetch (the only outgoing GET), parse (the only feedparser), update (what is new), schedule (next poll)."""
