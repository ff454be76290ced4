"""Language tags (BCP 47), such as en-GB, and the languages that they name.

langcodes is imported where it is asked: loading its tables takes a tenth of a second.
"""


def primary_language(tag: str) -> str | None:
    """The language of a tag: `en` of `en-GB`, `en_US` and `eng`; None for what is no tag.

    It has two letters (ISO 639-1) where there are any. Two letters stay as they are, in lower case: engines know some
    languages by codes that have been replaced.
    """
    import langcodes

    try:
        given = langcodes.Language.get(tag.strip(), normalize=False).language
        usual = langcodes.Language.get(tag.strip()).language
    except ValueError:
        return None
    return (usual if given and usual and len(given) > 2 >= len(usual) else given) or None


def is_same_language(tag: str, other: str) -> bool:
    """Whether two tags name one language, in whatever variety or by whichever of its codes."""
    import langcodes

    try:
        languages = [langcodes.Language.get(each.strip()).language for each in (tag, other)]
    except ValueError:
        return tag.strip().lower() == other.strip().lower()
    return languages[0] == languages[1]
