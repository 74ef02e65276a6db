"""How layers are conditioned: a family of models returns its method."""
