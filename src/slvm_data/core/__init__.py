"""Types, random keys, the integrator, progress, errors and files, which every other room uses."""
