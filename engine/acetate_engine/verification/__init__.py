"""Comparison with the published method, and benchmarks of it."""
