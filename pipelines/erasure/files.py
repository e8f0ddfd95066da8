"""The disk as an erasure sees it: whole files, read, replaced or removed; every call goes through here.

On a disk a file is replaced by a new one that was synced before it took the name; an object store puts a
whole object at once. So a file is the old one or the new one, whatever fails and whenever.
"""

from __future__ import annotations

import contextlib
import os
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any, Final

import pyarrow.fs as pafs

from pipelines.storage import filesystem_of

__all__ = ["PART", "Files"]

PART: Final = ".erasing"
"""Ends the name of a file that was not finished; one that a killed run left is removed by the next."""


class Files:
    """File calls of an erasure. A test overrides `call`, which stands before each, to make it fail."""

    def call(self, what: str, uri: str) -> None:
        """Told of every call before it is made."""

    def walk(self, uri: str) -> Iterator[pafs.FileInfo]:
        """Every file at or below `uri`, in order; none where nothing is there."""
        self.call("walk", uri)
        filesystem, path = filesystem_of(uri)
        info = filesystem.get_file_info(path)
        if info.type == pafs.FileType.File:
            yield info
        elif info.type == pafs.FileType.Directory:
            found = filesystem.get_file_info(pafs.FileSelector(path, recursive=True))
            yield from sorted(
                (each for each in found if each.type == pafs.FileType.File), key=lambda each: each.path
            )

    def open(self, uri: str) -> Any:
        self.call("open", uri)
        filesystem, path = filesystem_of(uri)
        return filesystem.open_input_file(path)

    def read(self, uri: str) -> bytes:
        with self.open(uri) as file:
            content: bytes = file.read()
        return content

    def exists(self, uri: str) -> bool:
        filesystem, path = filesystem_of(uri)
        return bool(filesystem.get_file_info(path).type == pafs.FileType.File)

    def replace(self, uri: str, pieces: Iterable[bytes]) -> None:
        """Give the file another content, all of it or none of it. Its folder is made if it is not there."""
        filesystem, path = filesystem_of(uri)
        if not isinstance(filesystem, pafs.LocalFileSystem):
            self.call("write", uri)
            with filesystem.open_output_stream(path) as stream:
                for piece in pieces:
                    stream.write(piece)
            return
        target = Path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}{PART}")
        try:
            self.call("create", str(part))
            with part.open("wb") as file:
                self._fill(file, part, pieces)
            if target.exists():
                part.chmod(target.stat().st_mode & 0o7777)
            self.call("rename", uri)
            part.replace(target)
        finally:
            with contextlib.suppress(OSError):
                part.unlink()
        self._sync_folder(target.parent)

    def remove(self, uri: str) -> None:
        """Remove a file; it is no error when another was faster."""
        self.call("remove", uri)
        filesystem, path = filesystem_of(uri)
        with contextlib.suppress(FileNotFoundError):
            filesystem.delete_file(path)
        _drop_checksum(filesystem, path)

    def remove_folder(self, uri: str) -> None:
        self.call("remove folder", uri)
        filesystem, path = filesystem_of(uri)
        if filesystem.get_file_info(path).type == pafs.FileType.Directory:
            filesystem.delete_dir(path)

    def drop_checksum(self, uri: str) -> None:
        """Remove what Hadoop keeps beside a local file to check it by: it is of the old bytes."""
        _drop_checksum(*filesystem_of(uri))

    def _fill(self, file: IO[bytes], part: Path, pieces: Iterable[bytes]) -> None:
        self.call("write", str(part))
        for piece in pieces:
            file.write(piece)
        file.flush()
        self.call("sync", str(part))
        os.fsync(file.fileno())

    def _sync_folder(self, folder: Path) -> None:
        """A file that is synced and whose name is not is lost with the machine."""
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _drop_checksum(filesystem: pafs.FileSystem, path: str) -> None:
    folder, _, name = path.rpartition("/")
    beside = f"{folder}/.{name}.crc"
    if filesystem.get_file_info(beside).type == pafs.FileType.File:
        with contextlib.suppress(FileNotFoundError):
            filesystem.delete_file(beside)
