"""The error of whoever has others make shards."""


class WorkersError(RuntimeError):
    """Processes that make shards die again and again, or their scheduler went away. The message says what to do."""
