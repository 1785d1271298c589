"""Copies of a dataset in formats that other libraries read, and we do not: one module each, with `files` and `write`."""
