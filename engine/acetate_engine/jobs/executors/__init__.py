"""Where jobs are carried out: `local`, a worker process on this machine; `ray`, an actor of a Ray cluster."""
