"""Feeds a running Frontline from files: logs that grow and are rotated, tables of what is over."""
