"""Rods that swing, as other papers draw them: pendulums, and rods on a cart or in a chain, some with a control."""
