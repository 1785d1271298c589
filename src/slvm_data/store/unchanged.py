"""Notice that a folder no longer holds the dataset whose manifest was read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from slvm_data.core.errors import DamageError
from slvm_data.core.files import identity
from slvm_data.store import manifest
from slvm_data.store.manifest import Manifest
from slvm_data.store.remote import Place, Remote


class Unchanged:
    """The manifest of a folder as it was when it was read.

    Who replaces a dataset removes its manifest first and puts the new one last. So what was read belongs to the old
    dataset if its manifest is still there afterwards. At a URL, files are compared with the manifest as it was read.
    """

    def __init__(self, folder: Place, content: Manifest) -> None:
        self.folder, self.content = folder.absolute(), content
        self._stamp = self._look()

    @contextmanager
    def throughout(self) -> Iterator[None]:
        """A block that reads files of the dataset; raises DamageError as `check` does, before any other damage."""
        try:
            yield
        except DamageError:
            self.check()
            raise
        self.check()

    def check(self) -> None:
        """Raise DamageError if the folder holds another dataset now, or none; this costs some microseconds."""
        if (found := self._look()) == self._stamp and found:
            return
        if not found or manifest.read(self.folder) != self.content:
            raise DamageError(f"{self.folder} was replaced or removed after it was opened: open it again")
        self._stamp = found  # repaired: the same dataset

    def _look(self) -> tuple[int, ...]:
        if isinstance(self.folder, Remote):
            return (0,)
        try:
            return identity(self.folder / manifest.NAME)
        except (FileNotFoundError, NotADirectoryError):
            return ()
