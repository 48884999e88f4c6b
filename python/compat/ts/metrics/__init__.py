"""Metrics as handlers import them."""
