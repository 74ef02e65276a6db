"""What painters of this field write into prompts: weights, styles, wildcards, words of their own. Torch-free."""
