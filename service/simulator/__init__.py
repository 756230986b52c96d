"""Seeded, realistic traffic of stores and call centres."""
