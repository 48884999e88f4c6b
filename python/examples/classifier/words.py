"""From a text to the words that the model knows texts by; training and serving share it."""

import re

_WORD = re.compile(r"[a-z]+(?:'[a-z]+)?")
#: Longer texts are cut off, in characters.
TEXT_MAX = 10_000


def words(text):
    """The words of a text and its pairs of neighbours, in order."""
    single = _WORD.findall(text[:TEXT_MAX].lower())
    return single + [f"{first} {second}" for first, second in zip(single, single[1:])]
