"""Datasets of motions that follow from a differential equation without bodies: populations, oscillators, games."""
