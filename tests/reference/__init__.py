"""A second, slow and independent opinion on every number: brute force, written from the definitions alone."""
