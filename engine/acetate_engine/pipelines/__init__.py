"""Requests → layers. `tasks.TaskGenerator` is the one entrance.

Recipes say what a task makes, methods how layers are conditioned, and stages do the work, in diffusers' order.
"""
