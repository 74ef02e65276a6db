"""Many jobs, many clients, a long queue: what grows, and how long answers take.

python -m tests.soak             the full counts of `make soak`; `--help` names them
"""
