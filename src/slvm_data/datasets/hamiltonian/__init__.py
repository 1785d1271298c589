"""Hamiltonian datasets, one file each."""
