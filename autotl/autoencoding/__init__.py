"""Autoencoders: trained on small images, and what their latents say of these."""
