"""A dataset on the Hugging Face Hub: as Parquet, with a card, in one commit."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from slvm_data.core.arguments import checked
from slvm_data.core.errors import DamageError
from slvm_data.core.files import at_home
from slvm_data.core.optional import optional
from slvm_data.run.conversion import convert
from slvm_data.store import manifest
from slvm_data.store.manifest import Manifest

FORM = "parquet"  # what the Hub's viewer, and `datasets`, read
KIND = "dataset"  # of repositories


@checked
def push(source: Path | str, repo: str, *, private: bool = False) -> str:
    """Upload the dataset in the folder `source` to the repository `repo` of the Hugging Face Hub; return its URL.

    A dataset of our own formats is first converted to Parquet, in a temporary folder; a copy in Parquet is uploaded as
    it is, once its checksums were compared. The repository is made if it does not exist, for its owner alone if it is
    `private`. All files come in one commit, which removes older files of Parquet from the repository, and no others.

    Raises ValueError without a token, for a name that no repository can have, for a copy in another format, and if the
    Hub refuses or cannot be reached; DamageError if a file of the source is not as it was written.
    """
    folder = at_home(source)
    content = manifest.read(folder)
    if not content.format.own and content.format.name != FORM:
        raise ValueError(f"{folder} is a copy in {content.format.name}: push the dataset that it was made from")
    hub = optional("huggingface_hub", "push", "hub")
    api = _api(hub, repo)
    if content.format.name == FORM:
        return _upload(hub, api, folder, content, repo, private)
    with tempfile.TemporaryDirectory(prefix="slvm-data-") as place:
        copy = convert(folder, Path(place) / content.name, to=FORM)
        return _upload(hub, api, copy, manifest.read(copy), repo, private)


def _api(hub: Any, repo: str) -> Any:
    """The client of the Hub; raises ValueError if it cannot write to a repository with this name."""
    try:
        optional("huggingface_hub.utils", "push", "hub").validate_repo_id(repo)
    except ValueError:
        raise ValueError(
            f"repo = {repo!r} cannot be a repository: write NAME or OWNER/NAME, of letters, digits, '-', '_' or '.'"
        ) from None
    if not hub.get_token():
        raise ValueError("there is no token for the Hugging Face Hub: call `hf auth login`, or set HF_TOKEN")
    return hub.HfApi(library_name="slvm-data")


def _upload(hub: Any, api: Any, folder: Path, content: Manifest, repo: str, private: bool) -> str:
    """Upload the files that the manifest of a copy names, after a look at each."""
    entries = content.every_file() | content.beside()
    for name, entry in entries.items():
        if fault := manifest.Checksum(entry.bytes, entry.sha256).fault(folder / name):
            raise DamageError(fault, folder / name)
    names = [*entries, manifest.NAME]
    try:
        made = api.create_repo(repo, repo_type=KIND, private=private or None, exist_ok=True)
        older = set(api.list_repo_files(made.repo_id, repo_type=KIND)) - set(names)
        changes = [hub.CommitOperationAdd(path_in_repo=name, path_or_fileobj=folder / name) for name in names]
        changes += [hub.CommitOperationDelete(path_in_repo=name) for name in sorted(older) if name.endswith(f".{FORM}")]
        api.create_commit(made.repo_id, changes, commit_message=f"{content.name} by slvm-data", repo_type=KIND)
    except Exception as error:
        raise ValueError(f"{repo} cannot be written to the Hugging Face Hub: {_reason(error)}") from error
    return str(made)


def _reason(error: BaseException) -> str:
    """What the Hub says, in a line; of an upload that failed, the reason too."""
    text = str(getattr(error, "server_message", None) or error) or type(error).__name__
    behind = f" ({_reason(error.__cause__)})" if type(error) is RuntimeError and error.__cause__ else ""
    return " ".join(text.split()) + behind
