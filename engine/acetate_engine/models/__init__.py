"""Model code: latent transparency, layer conditioning, checkpoints. Importing this package does not import torch."""
