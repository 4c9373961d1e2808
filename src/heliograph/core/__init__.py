"""The engine: connections, sending, namespaces. Everything else in Heliograph stands on it."""
