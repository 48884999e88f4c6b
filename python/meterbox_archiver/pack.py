"""Writes a recipe as zip, as gzipped tar, or as a folder, in one step and with the same bytes each time.

Entries are sorted, times and owners fixed. The archive is written beside its place and renamed, so
that a server that watches the store never sees half of one.
"""

from __future__ import annotations

import gzip
import io
import os
import shutil
import tarfile
import tempfile
import zipfile
from pathlib import Path
from typing import Iterator, Tuple

from .recipe import MANIFEST, ArchiveError, Recipe

#: The oldest time that zip can hold; entries carry it instead of their own.
EPOCH = (1980, 1, 1, 0, 0, 0)
#: Permissions of every entry: readable by all, written by the owner.
MODE = 0o644


def entries(recipe: Recipe) -> Iterator[Tuple[str, bytes]]:
    """Path and content of everything in the archive, sorted by path."""
    for place in sorted([*recipe.files, MANIFEST]):
        if place == MANIFEST:
            yield place, recipe.manifest_bytes()
            continue
        try:
            yield place, recipe.files[place].read_bytes()
        except OSError as error:
            raise ArchiveError(f"{recipe.files[place]}: cannot be read: {error}") from None


def pack(recipe: Recipe, store: Path) -> Path:
    """Writes the archive into `store`, replacing one of the same name; returns its path."""
    target = store / recipe.file_name
    try:
        store.mkdir(parents=True, exist_ok=True)
        # Below a name that no server takes for an archive, on the same file system as the target.
        with tempfile.TemporaryDirectory(prefix=".packing-", dir=str(store)) as place:
            beside = Path(place) / recipe.file_name
            WRITERS[recipe.format](recipe, beside)
            if target.is_dir() and not target.is_symlink():
                shutil.rmtree(str(target))
            os.replace(str(beside), str(target))
    except OSError as error:
        raise ArchiveError(f"{target}: cannot be written: {error}") from None
    return target


def write_zip(recipe: Recipe, path: Path) -> None:
    """A `.mar`."""
    with zipfile.ZipFile(str(path), "w", zipfile.ZIP_DEFLATED) as archive:
        for place, content in entries(recipe):
            entry = zipfile.ZipInfo(place, EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3  # Unix, so that the permissions below mean something
            entry.external_attr = (0o100000 | MODE) << 16
            archive.writestr(entry, content)


def write_tgz(recipe: Recipe, path: Path) -> None:
    """A `.tar.gz`."""
    with path.open("wb") as raw, gzip.GzipFile("", "wb", fileobj=raw, mtime=0) as packed:
        with tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as archive:
            for place, content in entries(recipe):
                entry = tarfile.TarInfo(place)
                entry.size = len(content)
                entry.mode = MODE
                archive.addfile(entry, io.BytesIO(content))


def write_folder(recipe: Recipe, path: Path) -> None:
    """The unpacked archive."""
    for place, content in entries(recipe):
        file = path / place
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)


#: What writes each format.
WRITERS = {"zip": write_zip, "tgz": write_tgz, "no-archive": write_folder}
