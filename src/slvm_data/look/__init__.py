"""Datasets to look at: films, curves and certificates."""
