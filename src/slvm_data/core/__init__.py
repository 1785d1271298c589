"""What every other part uses: types, random keys, the integrator, progress, errors, files."""
