"""Where jobs are carried out: `local`, a worker process on this machine."""
