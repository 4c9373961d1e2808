"""What can be watched. It sees and never changes; while nobody looks, it costs nothing."""
