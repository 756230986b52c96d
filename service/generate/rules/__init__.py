"""The alert rules for Prometheus, made from what objectives promise, and the cases that put them to the test."""
