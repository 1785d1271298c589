"""Carry out a recipe: make, finish, verify, repair and convert the files of a dataset."""
