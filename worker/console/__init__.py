"""The console: HTTP for people and probes. Today its health page only; nothing else is served, so nothing needs a login."""
