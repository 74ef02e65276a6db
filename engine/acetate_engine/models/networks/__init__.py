"""Networks: latent transparency, the autoencoder of the embedded model."""
