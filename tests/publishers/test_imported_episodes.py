"""An imported file is one episode for good: ids by the files they came from, whatever the names."""

import itertools
import json
from pathlib import Path

import pytest

from tests.support.command import playhead
from transcribe.errors import TranscriptError
from transcribe.library.store import Library
from transcribe.publishers.imported_episodes import ImportedEpisodes

LONG = "A very long title that goes on and on until it has well over eighty characters, part"
NAMES = ("C++ intro", "C# intro", "Лекция 1", "Семинар 1", "s1/01", "s2/01", f"{LONG} one", f"{LONG} two")
SRT = "1\n00:00:01,000 --> 00:00:02,000\n{}\n"


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / "captions" / f"{name}.srt" for name in NAMES]
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(SRT.format(f"This is {path.stem}."))
    return paths


def test_files_of_alike_names_are_episodes_of_their_own_in_any_order_and_twice(
    files: list[Path], tmp_path: Path
) -> None:
    found = []
    for number, order in enumerate((files, files[::-1], [*files[3:], *files[:3]])):
        library = Library(tmp_path / f"library-{number}")
        for _ in range(2):
            ids = {}
            for path in order:
                ids[path] = ImportedEpisodes(library).take(path, "X").id  # one by one
            together = ImportedEpisodes(library)
            assert {path: together.take(path, "X").id for path in order} == ids
            assert library.transcript_ids() == sorted(ids.values())
        assert len(set(ids.values())) == len(NAMES)
        found.append(ids)
    assert all(one == other for one, other in itertools.pairwise(found))


def test_files_of_one_name_in_two_folders_keep_their_ids(tmp_path: Path) -> None:
    library = Library(tmp_path / "library")
    paths = [tmp_path / folder / "talk.srt" for folder in ("a", "b")]
    for path in paths:
        path.parent.mkdir()
        path.write_text(SRT.format("The same words."))
    first = [ImportedEpisodes(library).take(path, "X") for path in paths]
    again = [ImportedEpisodes(library).take(path, "X") for path in reversed(paths)]
    assert len({taken.id for taken in first}) == 2
    assert [taken.id for taken in again] == [taken.id for taken in reversed(first)]
    assert [taken.replaced for taken in first + again] == [False, False, True, True]


def test_shows_whose_titles_make_one_slug_are_two(tmp_path: Path) -> None:
    library = Library(tmp_path / "library")
    path = tmp_path / "intro.srt"
    path.write_text(SRT.format("Hello."))
    shows = [ImportedEpisodes(library).take(path, show).id.split("/")[0] for show in ("C++", "C#", "C", "C*")]
    assert shows[:3] == ["c-plus-plus", "c-sharp", "c"]
    assert len(set(shows)) == 4


def test_what_became_of_a_file_is_said(tmp_path: Path) -> None:
    path = tmp_path / "bad.srt"
    text = (
        SRT.format("Привет") + "\n2\n00:00:0x,000 --> 00:00:03,000\nagain\n\n3\n00:00:05,000 --> 00:00:06,000\nmore\n"
    )
    path.write_bytes(text.encode() + b"\xff end\n")
    first = playhead("--library", tmp_path / "library", "import", path, "--show", "X").err
    assert "1 imported, 0 failed" in first
    assert "1 byte is no UTF-8" in first
    assert "1 time was put right or left out" in first
    assert "replaced" not in first
    assert "replaced, as this file made it before" in playhead("--library", tmp_path / "library", "import", path, "--show", "X").err  # fmt: skip  # noqa: E501


def test_a_file_moved_elsewhere_is_the_same_episode(tmp_path: Path) -> None:
    library = Library(tmp_path / "library")
    path = tmp_path / "a" / "talk.srt"
    path.parent.mkdir()
    path.write_text(SRT.format("Hello."))
    before = ImportedEpisodes(library).take(path, "X")
    (tmp_path / "b").mkdir()
    moved = path.rename(tmp_path / "b" / "talk.srt")
    assert ImportedEpisodes(library).take(moved, "X").id == before.id


def test_an_import_of_an_older_release_is_replaced_by_its_own_file_alone(files: list[Path], tmp_path: Path) -> None:
    library = Library(tmp_path / "library")
    ImportedEpisodes(library).take(files[0], "X")
    old = library.load_transcript("x/c-plus-plus-intro")
    text = old.to_json().replace("x/c-plus-plus-intro", "x/c-intro")
    (library.transcripts / "x/c-intro.json").write_text(text)
    for path in library.transcripts.glob("x/c-plus*"):
        path.unlink()
    for path in library.audio.glob("x/*"):
        path.unlink()
    assert ImportedEpisodes(library).take(files[1], "X").id == "x/c-sharp-intro"
    assert ImportedEpisodes(library).take(files[0], "X").id == "x/c-intro"


def test_five_files_of_one_recording_are_one_episode_from_the_richest(tmp_path: Path) -> None:
    folder = tmp_path / "whisper"
    folder.mkdir()
    words = [{"word": " Hello", "start": 0.0, "end": 0.5}, {"word": " all.", "start": 0.5, "end": 1.0}]
    segments = [{"start": 0.0, "end": 1.0, "text": " Hello all.", "words": words}]
    (folder / "talk.json").write_text(json.dumps({"text": " Hello all.", "segments": segments, "language": "en"}))
    (folder / "talk.srt").write_text("1\n00:00:00,000 --> 00:00:01,000\nHello all.\n")
    (folder / "talk.vtt").write_text("WEBVTT\n\n00:00.000 --> 00:01.000\nHello all.\n")
    (folder / "talk.tsv").write_text("start\tend\ttext\n0\t1000\tHello all.\n")
    (folder / "talk.txt").write_text("Hello all.\n")
    for named in ([folder], sorted(folder.iterdir())):
        imported = playhead("--library", tmp_path / "library", "import", *named, "--show", "X")
        assert (imported.status, imported.err.splitlines()[0]) == (0, "1 imported, 0 failed")
    made = Library(tmp_path / "library").load_transcript("x/talk")
    assert [word.start_ms for _, word in made.words()] == [0, 500]
    assert (made.segments[0].flags, made.language) == ((), "en")


def test_a_sound_between_two_words_breaks_no_phrase_and_is_not_found(tmp_path: Path) -> None:
    path = tmp_path / "talk.srt"
    path.write_text(SRT.format("We share [Applause] the well."))
    library = tmp_path / "library"
    playhead("--library", library, "import", path, "--show", "X")
    assert playhead("--library", library, "search", '"share the well"', "--json").json()["total"] == 1
    assert playhead("--library", library, "search", "applause", "--json").json()["total"] == 0
    assert "[Applause]" in playhead("--library", library, "export", "x/talk", "--format", "srt").out


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Привет, мы говорим о воде и о хлебе.", "cp1251"),
        ("Привет, мы говорим о воде и о хлебе.", "koi8-r"),
        ("Dzień dobry, mówimy o wodzie i źródle.", "cp1250"),
        ("Dobrý den, mluvíme o vodě a řece.", "iso8859-2"),
        ("مرحبا بكم في البرنامج", "cp1256"),
        ("大家好，我们谈谈水的问题。", "gb18030"),
        ("こんにちは、水の話をします。", "cp932"),
        ("Bonjour à tous, l'été est arrivé.", "cp1252"),
    ],
)
def test_encodings_that_captions_come_in_are_told(tmp_path: Path, text: str, encoding: str) -> None:
    path = tmp_path / "talk.srt"
    path.write_bytes(SRT.format(text).encode(encoding))
    library = Library(tmp_path / "library")
    taken = ImportedEpisodes(library).take(path, "X")
    assert library.load_transcript(taken.id).segments[0].text == text
    assert any(note.startswith("read as ") for note in taken.notes)


def test_where_two_encodings_fit_the_file_is_refused_with_both_until_one_is_said(tmp_path: Path) -> None:
    path = tmp_path / "talk.srt"
    path.write_bytes(SRT.format("שלום לכולם").encode("cp1255"))
    library = Library(tmp_path / "library")
    with pytest.raises(TranscriptError, match="it may be in cp1255 or "):
        ImportedEpisodes(library).take(path, "X")
    for known in ({"encoding": "cp1255"}, {"language": "he"}):
        taken = ImportedEpisodes(library).take(path, "X", **known)
        assert library.load_transcript(taken.id).segments[0].text == "שלום לכולם"


def test_utf8_that_was_encoded_twice_is_put_right_and_said(tmp_path: Path) -> None:
    path = tmp_path / "talk.srt"
    path.write_text(SRT.format("Señor Peña está aquí").encode().decode("cp1252", "replace"), "utf-8")
    library = Library(tmp_path / "library")
    taken = ImportedEpisodes(library).take(path, "X")
    assert any("twice" in note or "decoded wrongly" in note for note in taken.notes)
