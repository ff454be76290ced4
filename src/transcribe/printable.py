"""Makes text from elsewhere safe to print on a terminal."""

import unicodedata


def printable(text: str) -> str:
    """The text without control characters, except line ends and tabs: a feed's title could clear the screen."""
    if text.isprintable():
        return text
    return "".join(letter for letter in text if letter in "\n\t" or unicodedata.category(letter) != "Cc")
