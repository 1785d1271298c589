"""The sets of Hamiltonian generative networks, as their second implementation has them."""
