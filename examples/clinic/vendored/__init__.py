"""What the clinic has copied from others."""
