"""What goes into one archive: read from a folder's `model.json`, or put together from options.

A recipe only names things; `pack` reads the files and writes the archive.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any, Dict, List, Tuple

#: The file of a model folder that describes it; it is not packed itself.
DESCRIPTION = "model.json"
#: Where an archive describes itself.
MANIFEST = "MAR-INF/MANIFEST.json"
#: What a name may be, as the server demands it of registered models.
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
#: Suffix of the written archive by format.
SUFFIXES = {"zip": ".mar", "tgz": ".tar.gz", "no-archive": ""}
#: What runs a model, as manifests name it.
RUNTIMES = ("python", "python3")
#: Folders that never belong into an archive.
SKIPPED = frozenset({"__pycache__", ".git", "MAR-INF"})

#: Keys of `model.json` that go into the manifest's `model` as they are, in its order.
MODEL_KEYS = (
    "modelName", "modelVersion", "handler", "modelFile", "serializedFile",
    "extensions", "envelope", "requirementsFile", "configFile",
)
#: All keys of `model.json`.
KEYS = frozenset(MODEL_KEYS) | {"description", "runtime", "format", "archiverVersion", "exclude"}


class ArchiveError(Exception):
    """Why an archive cannot be made: what, where, and what to do."""


class Recipe:
    """One archive to be written.

    `name` is the file name without suffix, `files` maps the path inside the archive to the file.
    """

    def __init__(self, name: str, manifest: Dict[str, Any], files: Dict[str, Path], form: str):
        if form not in SUFFIXES:
            raise ArchiveError(f"{name}: format {form!r} is unknown: use {', '.join(SUFFIXES)}")
        model = manifest["model"]
        for key, value in (("archive name", name), ("modelName", model.get("modelName"))):
            if not isinstance(value, str) or not NAME.fullmatch(value):
                raise ArchiveError(
                    f"{name}: {key} {value!r} is no name: letters, digits, '.', '_' and '-', "
                    "at most 128, the first a letter or digit"
                )
        if manifest["runtime"] not in RUNTIMES:
            raise ArchiveError(
                f"{name}: runtime {manifest['runtime']!r} is unknown: use {' or '.join(RUNTIMES)}"
            )
        handler = model.get("handler")
        if not isinstance(handler, str) or not handler:
            raise ArchiveError(f"{name}: no handler: name the file of the code that predicts")
        for key in ("serializedFile", "modelFile", "configFile", "requirementsFile"):
            if model.get(key) and model[key] not in files:
                raise ArchiveError(f"{name}: {key} {model[key]!r} is not among the files")
        self.name = name
        self.manifest = manifest
        self.files = files
        self.format = form

    @property
    def file_name(self) -> str:
        """The name of the written file or folder."""
        return self.name + SUFFIXES[self.format]

    def manifest_bytes(self) -> bytes:
        """The text of the manifest."""
        return (json.dumps(self.manifest, indent=2) + "\n").encode("utf-8")


def manifest(model: Dict[str, Any], **top: Any) -> Dict[str, Any]:
    """A manifest in TorchServe's order of keys; empty values are left out."""
    document = {key: value for key, value in top.items() if value}
    document.setdefault("runtime", "python")
    document["model"] = {key: model[key] for key in MODEL_KEYS if model.get(key)}
    document["model"].setdefault("modelVersion", "1.0")
    return document


def from_folder(folder: Path) -> Recipe:
    """The recipe of a folder with a `model.json`: every file but that one is packed."""
    path = folder / DESCRIPTION
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ArchiveError(f"{path}: missing: it names the model, its version and handler") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ArchiveError(f"{path}: cannot be read: {error}") from None
    try:
        keys = json.loads(text)
    except ValueError as error:
        raise ArchiveError(f"{path}: no JSON: {error}") from None
    if not isinstance(keys, dict):
        raise ArchiveError(f"{path}: an object is expected")
    unknown = sorted(set(keys) - KEYS)
    if unknown:
        raise ArchiveError(f"{path}: unknown key {unknown[0]!r}: there are {', '.join(sorted(KEYS))}")
    exclude = keys.get("exclude", [])
    if not isinstance(exclude, list):
        raise ArchiveError(f"{path}: exclude: a list of paths is expected")
    keys.setdefault("modelName", folder.name)
    document = manifest(
        keys,
        description=keys.get("description"),
        archiverVersion=keys.get("archiverVersion"),
        runtime=keys.get("runtime", "python"),
    )
    files = walk(folder, frozenset(exclude) | {DESCRIPTION})
    return Recipe(folder.name, document, files, keys.get("format", "zip"))


def walk(folder: Path, exclude: frozenset = frozenset()) -> Dict[str, Path]:
    """The plain files below `folder` by their path inside the archive, without those in `exclude`.

    A folder in `exclude` leaves out all below it.
    """
    found: List[Tuple[str, Path]] = []
    for root, folders, names in os.walk(folder):
        here = Path(root)
        inside = here.relative_to(folder)
        kept = [n for n in folders if n not in SKIPPED and (inside / n).as_posix() not in exclude]
        folders[:] = sorted(kept)
        for name in kept + names:
            path = here / name
            if path.is_symlink():
                raise ArchiveError(f"{path}: is a link: archives hold plain files only, copy it")
        for name in names:
            place = (inside / name).as_posix()
            if place not in exclude and not name.endswith(".pyc"):
                found.append((place, here / name))
    return dict(sorted(found))
