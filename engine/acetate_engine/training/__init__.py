"""Training of latent transparency and of the small models around it; one stage a file, one loop for all."""
