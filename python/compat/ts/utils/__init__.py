"""What handlers raise."""
