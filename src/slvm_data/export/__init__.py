"""Copies of a dataset for other libraries, which we do not read: a module for each format, with `files` and `write`."""
