"""A shop in several processes: prices in each one's cache, and orders that one of them bills."""
