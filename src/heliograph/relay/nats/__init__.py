"""The NATS transport: signals over the subjects of a server, stored by JetStream."""
