"""What each task makes, from runs or without a model."""
