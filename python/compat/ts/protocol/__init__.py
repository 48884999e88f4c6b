"""Streamed answers, where they were before TorchServe 0.10."""
