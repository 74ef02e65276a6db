"""Tiny checkpoints in the official formats: the models that the golden runs were made on, and the tests' own.

Frozen: golden vectors hold what the published code gave on exactly these weights.
"""
