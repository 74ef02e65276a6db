"""What the docker shows, without widgets: settings, jobs, history, and the way of a pixel from layer to layer.

Only `session` and `conditions` know Krita; the rest is tested without it.
"""
