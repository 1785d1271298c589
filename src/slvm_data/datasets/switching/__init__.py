"""Datasets of switching dynamics."""
