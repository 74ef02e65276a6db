"""Layers out of pictures, without a diffusion model: subjects, what lies behind them, their shadows and light."""
