"""Processes that die, hang and lose their disk at moments that dice choose, under jobs whose results are known.

python -m tests.chaos            the full counts of `make chaos`; `--help` names them
"""
