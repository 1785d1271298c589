"""A recipe carried out: files in a folder, made, finished, verified, repaired, converted."""
