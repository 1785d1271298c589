"""Make sequences of a recipe in memory: batches, windows, certificate, single members."""
