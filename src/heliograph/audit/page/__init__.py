"""A page that shows the trail to whoever may see it, and changes nothing."""
