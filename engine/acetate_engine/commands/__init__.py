"""One file a command of `acetate`; the table in `acetate_engine.cli` says which."""
