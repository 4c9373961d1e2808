"""The embedded transport: for the relays of one process."""
