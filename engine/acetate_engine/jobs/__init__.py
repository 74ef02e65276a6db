"""Accepted jobs, and how they are carried out.

images      condition and result images on disk, named by digest
migrations  the tables, version by version
rows        a row of the store as what it stands for, also where another release has written it
trouble     what is wrong with the disk or the store, for a person
reader      what the store is asked
store       jobs and their events in SQLite: what is committed here survives every process
supervised  long-lived tasks that no exception ends
storage     how much room all that takes, and what goes first; clock: what day it is
queue       one job after the other, from the store to an executor, and its events back
budget      whether there is memory for a job's pictures
messages    the lines that engine and worker exchange
worker      the process that holds torch
executors   where workers run
"""
