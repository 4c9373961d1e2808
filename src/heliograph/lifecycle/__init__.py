"""The life of applications, as their frameworks tell of it: so far, whether they are debugged."""
