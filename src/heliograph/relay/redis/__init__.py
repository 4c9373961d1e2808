"""The transport over the streams of Redis and Valkey."""
