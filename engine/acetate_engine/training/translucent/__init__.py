"""What native transparency is for, rendered with true straight alpha and colour: glass, fire, air, light, threads."""
