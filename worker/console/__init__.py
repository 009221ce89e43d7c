"""The console: HTTP for people and probes. Whoever has the desk's key looks; nobody changes anything by it."""
