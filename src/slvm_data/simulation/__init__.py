"""A recipe's sequences in memory: batches, windows, certificate, single members."""
