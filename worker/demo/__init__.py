"""The demo: a sample of six feeds, a publisher that serves it, and catchers for the alerts; all on loopback."""
