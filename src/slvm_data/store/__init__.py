"""Files: datasets in, datasets out. Neither JAX nor torch is needed here."""
