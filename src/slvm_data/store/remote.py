"""Folders and files at a URL, in a bucket or on a server; their files are read with tensorstore."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

from slvm_data.core import files
from slvm_data.core.errors import DamageError
from slvm_data.core.optional import optional

URL = re.compile(r"(s3|gs|https?):/+[^/]")  # a Path has one slash where a URL has two
OTHER = re.compile(r"OUT_OF_RANGE|FAILED_PRECONDITION")  # the file is shorter, or the server knows no ranges
PATIENCE = 300  # seconds that one file may take
SIGNED = (  # variables of the environment that tell of credentials; without any, a bucket is read as anybody can
    "AWS_PROFILE",
    "AWS_ROLE_ARN",
    "AWS_SHARED_CREDENTIALS_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_EC2_METADATA_DISABLED",  # "false" on a machine whose role may read the bucket
)
USUAL = "us-east-1"  # region that a server of one's own is asked for


class Remote(PurePosixPath):
    """A folder or a file at a URL: `s3://bucket/…`, `gs://bucket/…`, `https://server/…`."""

    def __str__(self) -> str:
        return super().__str__().replace(":/", "://", 1)

    def absolute(self) -> Remote:
        """The place itself."""
        return self

    def is_dir(self) -> bool:
        """True, since a bucket has files alone, whose names say the folders."""
        return True


Place = Path | Remote
"""A folder or a file of this machine, or at a URL."""

P = TypeVar("P", Path, Remote)


def remote(root: Path | str) -> Remote | None:
    """The folder that a URL names; None for a path of this machine. Raises ValueError for a URL of another kind."""
    if URL.match(str(root)):
        return Remote(root)
    if isinstance(root, str) and "://" in root:
        raise ValueError(f"root = {root!r} is no URL that can be read: give s3://BUCKET/…, gs://BUCKET/… or https://…")
    return None


def read_at_most(path: Place, most: int) -> bytes:
    """Content of a file of at most `most` bytes; of one at a URL, no more is sent by a server that knows ranges.

    Raises DamageError for a larger one, and errors as `files.read_at_most` or `begun` do.
    """
    if isinstance(path, Path):
        return files.read_at_most(path, most)
    data = begun(path, most + 1)()
    if len(data) > most:
        raise DamageError(f"{path} is damaged: it has more than {most} bytes, which are the most it can have")
    return data


def begun(path: Remote, count: int) -> Callable[[], bytes]:
    """Begin to read the first `count` bytes of a file; return a function that waits for them, or for a shorter file.

    Raises ValueError if tensorstore is not installed, RuntimeError in a forked process. The function raises
    FileNotFoundError, PermissionError if the file is not for everybody and there are no credentials, ConnectionError
    if the server cannot be reached.
    """
    tensors = optional("slvm_data.store.tensors", f"reading {path}", "zarr")
    if not tensors.works():
        raise RuntimeError(
            f"{path} cannot be read in a forked process: give the DataLoader multiprocessing_context='spawn', or leave "
            "num_workers at 0"
        )
    scheme, place, *names = path.parts
    with _told(path):
        store = tensors.store(json.dumps(_spec(scheme, place)), os.getpid())
        key = "/".join(names)
        first = store.read(key, byte_range=slice(0, count))

    def wait() -> bytes:
        with _told(path):
            try:
                found = first.result(timeout=PATIENCE)
            except ValueError as error:
                if not OTHER.match(str(error)):
                    raise
                found = store.read(key).result(timeout=PATIENCE)
        if found.state == "missing":
            raise FileNotFoundError(str(path))
        return found.value[:count]

    return wait


def _spec(scheme: str, place: str) -> dict[str, Any]:
    """A bucket or a server, as tensorstore calls it."""
    if scheme == "gs:":
        return {"driver": "gcs", "bucket": place}
    if scheme != "s3:":
        return {"driver": "http", "base_url": f"{scheme}//{place}/"}
    given = os.environ
    endpoint = given.get("AWS_ENDPOINT_URL_S3") or given.get("AWS_ENDPOINT_URL")
    region = given.get("AWS_REGION") or given.get("AWS_DEFAULT_REGION") or (USUAL if endpoint else None)
    return {
        "driver": "s3",
        "bucket": place,
        "aws_credentials": {"type": _credentials()},
        **({"endpoint": endpoint} if endpoint else {}),
        **({"aws_region": region} if region else {}),
    }


def _credentials() -> str:
    """Where the credentials for S3 come from."""
    if "AWS_ACCESS_KEY_ID" in os.environ:
        return "environment"
    found = any(name in os.environ for name in SIGNED) or Path("~/.aws").expanduser().is_dir()
    return "default" if found else "anonymous"


@contextmanager
def _told(path: Remote) -> Iterator[None]:
    """Turn errors of tensorstore into a sentence that names the file."""
    try:
        yield
    except TimeoutError:
        raise ConnectionError(f"{path} cannot be read: its server has not sent it within {PATIENCE} s") from None
    except ValueError as error:
        text = str(error)
        if re.match("PERMISSION_DENIED|UNAUTHENTICATED", text):
            raise PermissionError(
                f"{path} cannot be read: it is not there, or not for everybody and your credentials do not open it"
            ) from None
        raise ConnectionError(f"{path} cannot be read: {_reason(text)}") from None


def _reason(text: str) -> str:
    """The cause in a message of tensorstore, without its details in brackets."""
    if found := re.search("CURL error ([^:[]+)", text):
        return found[1].strip().lower()
    return re.sub(r"^[A-Z_]+: |All \d+ retry attempts failed: | \[.*", "", text, flags=re.DOTALL)
