"""The engine: who is connected, what a send does, what can be watched. All wings stand on it."""
