"""The console: HTTP for people and probes. It serves its health page only, so nothing needs a login."""
