"""The painter's model files: listed with where they come from, fetched, added, checked. Torch-free."""
