"""Datasets of balls that bounce off walls and each other, as other papers draw them."""
