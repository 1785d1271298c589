"""A dataset as a recipe: its fields, its JSON, its changes from the command line."""
