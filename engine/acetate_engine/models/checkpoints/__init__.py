"""Released files -> modules. `header`, `kinds`, `shapes` and `names` need no torch; `load` and `offsets` do."""
