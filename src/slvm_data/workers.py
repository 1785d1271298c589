"""The error of whoever has others make shards."""


class WorkersError(RuntimeError):
    """Processes that make shards die again and again. The message says what to do."""
