"""Reads what is on Krita's canvas, and puts layers there.

Krita's calls are made on the GUI thread, except where a function says "any thread".
"""
