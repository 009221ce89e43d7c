"""Alerts: does a rule match and why, should it be told, and how it reads. All pure."""
