"""The sets of the Hamiltonian dynamics suite that have colours, with and without friction, and its three bodies."""
