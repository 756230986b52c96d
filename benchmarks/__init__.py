"""Benchmarks: ratios, each taken in one run on one machine. `python -m benchmarks --help` tells more."""
