"""Bodies that act on each other: as a graph tells, or all of them."""
