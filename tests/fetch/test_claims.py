"""Which page a recording is of, where several lead to it."""

import dataclasses

import pytest

from transcribe.fetch.claims import settled
from transcribe.library.episode import Episode, Record
from transcribe.sources.source import FoundFile, part

A, B = "https://blog.example/a.mp3", "https://blog.example/b.mp3"


def page(number: str, *audio: str, linked: bool = False, date: str | None = None) -> tuple[FoundFile, ...]:
    title, link = f"Part {number}", f"https://blog.example/{number}/"
    found = [FoundFile("Blog", title, date, link=link, enclosure=url, linked=linked) for url in audio]
    return tuple(found) if len(found) == 1 else tuple(part(each, n) for n, each in enumerate(found, start=1))


def told(pages: dict[str, tuple[FoundFile, ...]], known: Record | None = None) -> dict[str, list[tuple[str, str]]]:
    settled_pages = settled(
        pages, lambda found: known if known and known.episode.enclosure == found.enclosure else None
    )
    return {
        name: [(each.title, (each.enclosure or "")[-5:]) for each in found] for name, found in settled_pages.items()
    }


@pytest.mark.parametrize("linked", [False, True])
@pytest.mark.parametrize("backwards", [False, True])
def test_what_one_page_has_alone_is_no_part_of_another(linked: bool, backwards: bool) -> None:
    pages = {"one": page("I", A), "two": page("II", B, A, linked=linked)}
    if backwards:
        pages = dict(reversed(pages.items()))
    assert told(pages) == {"one": [("Part I", "a.mp3")], "two": [("Part II", "b.mp3")]}


def test_a_page_that_only_links_a_recording_gives_it_under_its_own_name() -> None:
    pages = {
        "later": page("of a list", A, linked=True, date="2013-01-01"),
        "one": page("I", A, linked=True, date="2012-01-01"),
    }
    assert told(pages) == {"later": [("Part I", "a.mp3")], "one": [("Part I", "a.mp3")]}


def test_parts_that_are_left_are_numbered_anew() -> None:
    pages = {"one": page("I", A), "all": page("of all", A, B, f"{B}?c.mp3", "https://blog.example/c.mp3")}
    assert told(pages)["all"] == [
        ("Part of all, part 1", "b.mp3"),
        ("Part of all, part 2", "c.mp3"),
        ("Part of all, part 3", "c.mp3"),
    ]


def test_a_recording_of_the_library_keeps_the_name_that_its_own_page_gave_it() -> None:
    record = Record(Episode("blog/i", "Blog", "Part I", link="https://blog.example/I/", enclosure=A))
    assert told({"two": page("II", B, A)}, record) == {"two": [("Part II", "b.mp3")]}
    assert told({"later": page("of a list", A)}, record) == {"later": [("Part I", "a.mp3")]}


def test_its_own_page_renames_what_was_one_of_several_before() -> None:
    record = Record(Episode("blog/ii", "Blog", "Part II, part 2", link="https://blog.example/II/", enclosure=A))
    assert told({"one": page("I", A)}, record) == {"one": [("Part I", "a.mp3")]}


def test_the_item_of_a_feed_comes_before_a_page() -> None:
    item = dataclasses.replace(page("I", A)[0], guid="1", title="Part I of the feed")
    assert told({"one": (item,), "two": page("II", A)})["two"] == [("Part I of the feed", "a.mp3")]
