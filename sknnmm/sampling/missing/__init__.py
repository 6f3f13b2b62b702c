"""Draws of missing omics and of latent nodes."""
