"""What changes a base model: layer adapters, styles, image prompts, hints."""
