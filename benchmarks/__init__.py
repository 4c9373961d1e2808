"""What signals cost, in Heliograph and in its peers, measured side by side."""
