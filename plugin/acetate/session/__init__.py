"""What the docker shows, without widgets: settings, jobs, history, and the way of a pixel from layer to layer.

session, and generation, results and conditions below it, know Krita; the rest is tested without it.
"""
