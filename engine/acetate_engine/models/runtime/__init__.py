"""Memory, placement and reuse of loaded models."""
