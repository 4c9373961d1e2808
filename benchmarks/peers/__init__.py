"""The other libraries, one file each, which are compared where they are installed."""
