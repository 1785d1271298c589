"""Types, random keys, integrator, progress, errors and files, which all other subpackages use."""
