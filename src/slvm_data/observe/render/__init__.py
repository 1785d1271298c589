"""Draw bodies as pixels, in each style."""
