"""Bodies to pixels, in each style."""
