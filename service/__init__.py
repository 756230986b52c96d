"""Frontline: exact service-quality KPIs of stores and call centres, while they happen."""

__version__ = "0.1.0"
