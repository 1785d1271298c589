"""Fields that react and diffuse, each cell of a grid in a pixel."""
