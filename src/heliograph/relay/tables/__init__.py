"""The tables of outboxes and inboxes, and who reads and writes them."""
