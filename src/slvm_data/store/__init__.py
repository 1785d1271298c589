"""Write and read the files of a dataset. Neither JAX nor torch is needed here."""
