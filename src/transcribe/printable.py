"""Text from elsewhere, as a terminal may be given it."""

import unicodedata


def printable(text: str) -> str:
    """Without control characters but line ends and tabs: a title in a feed could clear the screen, or rename it."""
    if text.isprintable():
        return text
    return "".join(letter for letter in text if letter in "\n\t" or unicodedata.category(letter) != "Cc")
