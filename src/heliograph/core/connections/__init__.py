"""Who is connected. Every change runs under the lock, and no receiver runs there."""
