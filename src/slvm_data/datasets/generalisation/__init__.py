"""Datasets with splits that test generalisation."""
