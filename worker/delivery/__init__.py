"""Channels: how a notification reaches a recipient, and when to try again."""
