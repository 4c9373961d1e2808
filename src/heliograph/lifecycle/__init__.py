"""The life of applications, as their frameworks report it: so far, whether they are debugged."""
