"""Speaks with the engine: finds or starts it, uploads, posts jobs, follows their events, fetches layers.

Standard library only, blocking: the model calls it in threads. So it is tested against a real engine without Krita.
"""
