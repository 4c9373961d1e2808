"""What can be watched. Instruments see and never change; without one, it costs nothing."""
