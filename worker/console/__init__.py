"""The console: HTTP for people and probes. Whoever has the desk's key looks; only a link that we signed acts."""
