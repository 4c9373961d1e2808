"""What Django takes for commands: each module here is one."""
