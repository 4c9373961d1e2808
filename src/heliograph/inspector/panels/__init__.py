"""Panels about signals for the toolbars of Flask and Django."""
