"""What a send does. It reads one snapshot and takes no lock."""
