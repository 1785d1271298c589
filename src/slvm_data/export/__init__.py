"""Copies of a dataset for other libraries, which this package does not read back; one module per format."""
