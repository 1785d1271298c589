"""The error of every reader that meets a file which is not what was written."""


class DamageError(Exception):
    """A file is missing, cut short or altered. The message names it and what is wrong with it."""
