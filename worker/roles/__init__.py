"""The roles that `up` starts as children and a Procfile starts one by one: a module each, which loads what it needs.

Each reads REDIS_URL, DATABASE_URL and SENTRY_DSN; a role never starts a server of its own.
"""
