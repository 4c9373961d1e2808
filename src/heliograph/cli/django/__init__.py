"""Gives `manage.py` the command `signals`: put "heliograph.cli.django" into INSTALLED_APPS."""
