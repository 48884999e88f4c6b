"""Reads the plain YAML that configuration files are written in.

Block and flow lists and maps, scalars, quotes, comments, anchors on single values and their aliases.
No tags, no multi-line flow, no block text: a file that uses them is refused with its line, unless
PyYAML is installed, which then reads it (as data only).
"""

from __future__ import annotations

import re
from typing import Any, Dict, List, Tuple

#: Larger files are refused, in bytes.
FILE_BYTES_MAX = 1 << 20
#: Deeper nesting is refused.
DEPTH_MAX = 32

_INT = re.compile(r"[-+]?(0|[1-9][0-9]*)\Z")
_FLOAT = re.compile(r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?\Z")
_WORDS = {
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
    "null": None, "Null": None, "NULL": None, "~": None, "": None,
}
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "0": "\0", '"': '"', "\\": "\\", "/": "/"}
#: A key with its colon; what follows is the value.
_KEY = re.compile(
    r"""("(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|[^\s\[\]{},#&*!|>%@`"'-][^:#]*?|-[^\s:#][^:#]*?)"""
    r"""\s*:(?:\s+|$)"""
)
#: Depth, indent and content of a line, and its number.
Line = Tuple[int, str, int]


class YamlError(Exception):
    """Why a file cannot be read: the file, the line, and what is wrong."""


def read(path: str) -> Any:
    """What the file holds."""
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read(FILE_BYTES_MAX + 1)
    except (OSError, UnicodeDecodeError) as error:
        raise YamlError(f"{path}: cannot be read: {error}") from None
    if len(text) > FILE_BYTES_MAX:
        raise YamlError(f"{path}: longer than {FILE_BYTES_MAX} bytes")
    try:
        return parse(text)
    except YamlError as error:
        try:
            import yaml  # type: ignore
        except ImportError:
            raise YamlError(f"{path}:{error} (with PyYAML installed all of YAML can be read)") from None
        try:
            return yaml.safe_load(text)
        except yaml.YAMLError as worse:
            raise YamlError(f"{path}: {worse}") from None


def parse(text: str) -> Any:
    """What the text holds; errors begin with the number of the line."""
    lines: List[Line] = []
    for number, line in enumerate(text.splitlines(), 1):
        content = without_comment(line).rstrip()
        stripped = content.lstrip(" ")
        if not stripped or (stripped in ("---", "...") and not lines):
            continue
        if stripped.startswith("\t"):
            raise YamlError(f"{number}: a tab indents: use spaces")
        lines.append((len(content) - len(stripped), stripped, number))
    parser = _Parser(lines)
    if not lines:
        return None
    value = parser.block(lines[0][0], 0)
    if parser.at < len(lines):
        raise YamlError(f"{lines[parser.at][2]}: this indentation fits nothing above")
    return value


def without_comment(line: str) -> str:
    """The line up to a `#` that stands outside quotes, at the beginning or after a space."""
    if "#" not in line:
        return line
    quote = ""
    for at, letter in enumerate(line):
        if quote:
            if letter == quote and not (quote == '"' and line[at - 1] == "\\"):
                quote = ""
        elif letter in "\"'" and (at == 0 or line[at - 1] in " [{,:"):
            quote = letter
        elif letter == "#" and (at == 0 or line[at - 1] in " \t"):
            return line[:at]
    return line


class _Parser:
    def __init__(self, lines: List[Line]) -> None:
        self.lines = lines
        self.at = 0
        self.anchors: Dict[str, Any] = {}

    def block(self, indent: int, depth: int) -> Any:
        """The list, map or scalar whose lines begin at `indent`."""
        _, content, number = self.lines[self.at]
        if depth > DEPTH_MAX:
            raise YamlError(f"{number}: nested deeper than {DEPTH_MAX}")
        if content == "-" or content.startswith("- "):
            return self.sequence(indent, depth)
        if _KEY.match(content):
            return self.mapping(indent, depth)
        self.at += 1
        return self.scalar(content, number)

    def sequence(self, indent: int, depth: int) -> List[Any]:
        items: List[Any] = []
        while self.at < len(self.lines):
            here, content, number = self.lines[self.at]
            if here != indent or not (content == "-" or content.startswith("- ")):
                break
            rest = content[1:].lstrip(" ")
            if not rest:
                self.at += 1
                items.append(self.below(indent + 1, depth))
            elif _KEY.match(rest) or rest.startswith("- "):
                # The item is a map or list that begins on the line of the dash.
                inner = indent + len(content) - len(rest)
                self.lines[self.at] = (inner, rest, number)
                items.append(self.block(inner, depth + 1))
            else:
                self.at += 1
                items.append(self.scalar(rest, number))
        return items

    def mapping(self, indent: int, depth: int) -> Dict[Any, Any]:
        found: Dict[Any, Any] = {}
        while self.at < len(self.lines):
            here, content, number = self.lines[self.at]
            key = _KEY.match(content) if here == indent else None
            if key is None:
                break
            name = self.scalar(key.group(1), number)
            if name in found:
                raise YamlError(f"{number}: key {name!r} stands here twice")
            rest = content[key.end():]
            self.at += 1
            if rest:
                found[name] = self.scalar(rest, number)
            else:
                found[name] = self.below(indent, depth, lists=True)
        return found

    def below(self, indent: int, depth: int, lists: bool = False) -> Any:
        """The block under a key or dash; nothing if the next line is no deeper."""
        if self.at == len(self.lines):
            return None
        here, content, _ = self.lines[self.at]
        is_list = content == "-" or content.startswith("- ")
        if here > indent or (lists and here == indent and is_list) or (not lists and here == indent):
            return self.block(here, depth + 1)
        return None

    def scalar(self, text: str, number: int) -> Any:
        """A value on one line."""
        value, rest = self.flow(text, number, "", 0)
        if rest.strip():
            raise YamlError(f"{number}: {rest.strip()!r} follows a value")
        return value

    def flow(self, text: str, number: int, ends: str, depth: int) -> Tuple[Any, str]:
        """A value and what follows it; `ends` are the letters that end a plain scalar."""
        text = text.lstrip()
        first = text[:1]
        if depth > DEPTH_MAX:
            raise YamlError(f"{number}: nested deeper than {DEPTH_MAX}")
        if first == "&":
            name, _, rest = text[1:].partition(" ")
            if not rest:
                raise YamlError(f"{number}: &{name} names no value on its line")
            value, rest = self.flow(rest, number, ends, depth)
            self.anchors[name] = value
            return value, rest
        if first == "*":
            name, rest = cut(text[1:], ends)
            if name not in self.anchors:
                raise YamlError(f"{number}: there is no anchor &{name}")
            return self.anchors[name], rest
        if first in ("[", "{"):
            return self.flow_collection(text, number, depth)
        if first in ("'", '"') and first:
            return quoted(text, number)
        if first and first in "!|>%@`":
            raise YamlError(f"{number}: {first!r} begins something that is not plain YAML")
        plain, rest = cut(text, ends)
        return resolved(plain), rest

    def flow_collection(self, text: str, number: int, depth: int) -> Tuple[Any, str]:
        is_map = text[0] == "{"
        close = "}" if is_map else "]"
        items: List[Any] = []
        found: Dict[Any, Any] = {}
        rest = text[1:].lstrip()
        while not rest.startswith(close):
            value, rest = self.flow(rest, number, ",:" + close if is_map else "," + close, depth + 1)
            rest = rest.lstrip()
            if is_map:
                if not rest.startswith(":"):
                    raise YamlError(f"{number}: a ':' is missing after {value!r}")
                if isinstance(value, (list, dict)):
                    raise YamlError(f"{number}: a list or map is no key")
                found[value], rest = self.flow(rest[1:], number, "," + close, depth + 1)
                rest = rest.lstrip()
            else:
                items.append(value)
            if rest.startswith(","):
                rest = rest[1:].lstrip()
            elif not rest.startswith(close):
                raise YamlError(f"{number}: {close!r} is missing on the line of {text[0]!r}")
        return (found if is_map else items), rest[1:]


def cut(text: str, ends: str) -> Tuple[str, str]:
    """The text before the first of the letters `ends`, and the rest from there."""
    for at, letter in enumerate(text):
        if letter in ends and (letter != ":" or text[at + 1:at + 2] in ("", " ")):
            return text[:at].strip(), text[at:]
    return text.strip(), ""


def quoted(text: str, number: int) -> Tuple[str, str]:
    """The content of a quoted text, and what follows it."""
    quote, made, at = text[0], [], 1
    while at < len(text):
        letter = text[at]
        if quote == '"' and letter == "\\":
            escape = text[at + 1:at + 2]
            if escape not in _ESCAPES:
                raise YamlError(f"{number}: the escape \\{escape} is not known")
            made.append(_ESCAPES[escape])
            at += 2
        elif letter == quote and quote == "'" and text[at + 1:at + 2] == "'":
            made.append("'")
            at += 2
        elif letter == quote:
            return "".join(made), text[at + 1:]
        else:
            made.append(letter)
            at += 1
    raise YamlError(f"{number}: the quote {quote} is not closed on its line")


def resolved(text: str) -> Any:
    """What a plain scalar means."""
    if text in _WORDS:
        return _WORDS[text]
    if _INT.match(text):
        return int(text)
    if _FLOAT.match(text):
        return float(text)
    return text
