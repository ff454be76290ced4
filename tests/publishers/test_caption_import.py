import datetime
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.conversations import transcript as made_up
from transcribe import __version__
from transcribe.errors import TranscriptError, UsageError
from transcribe.library.caption_writer import to_podcast_json, to_srt, to_vtt
from transcribe.library.episode import Episode
from transcribe.library.store import Library
from transcribe.library.transcript import Engine, Transcript, Word
from transcribe.publishers.caption_import import _segments, import_captions, walk
from transcribe.publishers.script import Cue

SAID = made_up("Welcome back to the program.", "Thank you for having me.", speakers=["Ann", "Ben"])
SHORT_VTT = "WEBVTT\n\n00:01.000 --> 00:02.000\nA small commons\n"


def written(path: Path, text: str = SHORT_VTT) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_captions_become_a_transcript_that_says_where_it_came_from(tmp_path: Path) -> None:
    made = import_captions(written(tmp_path / "2012-02-18_Occupy_Wall_Street.vtt"), "Action Foresight")
    name = "action-foresight/2012-02-18-occupy-wall-street"
    assert made.episode == Episode(name, "Action Foresight", "Occupy Wall Street", "2012-02-18")
    assert made.audio is None
    assert made.engine == Engine("import", __version__, "vtt")
    assert made.language == "und"
    assert datetime.datetime.fromisoformat(made.created).tzinfo == datetime.UTC


def test_words_share_a_cues_time_by_length_and_say_so(tmp_path: Path) -> None:
    (segment,) = import_captions(written(tmp_path / "a.vtt")).segments
    assert segment.words == (Word(1000, 1125, "A"), Word(1125, 1500, "small"), Word(1500, 2000, "commons"))
    assert segment.flags == ("interpolated",)
    assert segment.confidence is None


def test_words_the_file_times_itself_are_not_interpolated(tmp_path: Path) -> None:
    timed = "WEBVTT\n\n00:01.000 --> 00:02.000\nhello<00:01.800><c> again</c>\n"
    (segment,) = import_captions(written(tmp_path / "a.vtt", timed)).segments
    assert segment.words == (Word(1000, 1800, "hello"), Word(1800, 2000, "again"))
    assert segment.flags == ()


@pytest.mark.parametrize(("write", "suffix"), [(to_vtt, "vtt"), (to_srt, "srt"), (to_podcast_json, "json")])
def test_every_kind_gives_a_segment_per_cue(tmp_path: Path, write: object, suffix: str) -> None:
    assert callable(write)
    made = import_captions(written(tmp_path / f"a.{suffix}", write(SAID)), "Show")
    assert [(s.start_ms, s.end_ms, s.text) for s in made.segments] == [
        (s.start_ms, s.end_ms, s.text) for s in SAID.segments
    ]
    assert [s.speaker for s in made.segments] == ["Ann", "Ben"]
    assert made.engine.model == suffix


# As in the example of the format's own description.
def test_a_file_that_times_words_gives_sentences_of_them(tmp_path: Path) -> None:
    said = [("Ann", "It"), ("Ann", "works."), ("Ann", "Does"), ("Ann", "it?"), ("Ben", "It"), ("Ben", "does.")]
    timed = enumerate(said)
    segments = [{"speaker": who, "startTime": n / 2, "endTime": n / 2 + 0.4, "body": word} for n, (who, word) in timed]
    made = import_captions(written(tmp_path / "a.json", json.dumps({"segments": segments})), "Show")
    assert [(s.id, s.speaker, s.text, s.start_ms) for s in made.segments] == [
        (0, "Ann", "It works. Does it?", 0),  # short sentences of one voice are one
        (1, "Ben", "It does.", 2000),
    ]
    assert made.segments[0].words[:2] == (Word(0, 400, "It"), Word(500, 900, "works."))
    assert made.segments[0].flags == ()


@pytest.mark.parametrize(
    ("name", "title", "id"),
    [
        ("041_finding_your_first-job", "041 finding your first-job", "041-finding-your-first-job"),
        ("100-guido-van-rossum", "100 guido van rossum", "100-guido-van-rossum"),
        ("2012-02-18", "2012-02-18", "2012-02-18"),
        ("2012-02-18. the-commons", "the commons", "2012-02-18-the-commons"),
        ("2012-13-45 odd day", "2012-13-45 odd day", "2012-13-45-odd-day"),
        ("__", "__", "episode-9911f4d2"),
        ("Über Güter .mp3", "Über Güter .mp3", "uber-guter-mp3"),
        ("-i", "i", "i"),
        ("東京", "東京", "dongjing"),
    ],
)
def test_title_and_id_follow_from_the_files_name(tmp_path: Path, name: str, title: str, id: str) -> None:
    episode = import_captions(written(tmp_path / f"{name}.vtt"), "My Show").episode
    assert (episode.title, episode.id) == (title, f"my-show/{id}")


def test_the_same_file_imported_again_replaces_its_transcript(tmp_path: Path) -> None:
    library = Library(tmp_path / "library")
    for folder, text in (("first", "A small commons"), ("second", "A large commons")):
        path = written(tmp_path / folder / "talk.vtt", SHORT_VTT.replace("A small commons", text))
        library.save_transcript(import_captions(path, "Show"))
    assert library.transcript_ids() == ["show/talk"]
    assert library.load_transcript("show/talk").segments[0].text == "A large commons"


def test_files_of_one_name_can_be_kept_apart(tmp_path: Path) -> None:
    first = import_captions(written(tmp_path / "1" / "talk.vtt"), "Show").episode.id
    second = import_captions(written(tmp_path / "2" / "talk.vtt"), "Show", taken={first}).episode.id
    assert first != second
    assert second.startswith("show/talk-")


def test_a_file_whose_id_the_former_rule_gave_is_still_that_episode(tmp_path: Path) -> None:
    path = written(tmp_path / "Łódź.vtt")
    assert import_captions(path, "Show", known={"show/odz"}).episode.id == "show/odz"
    assert import_captions(path, "Show").episode.id == "show/lodz"


def test_without_a_show_the_folder_is_one(tmp_path: Path) -> None:
    episode = import_captions(written(tmp_path / "Talk Python" / "1.vtt")).episode
    assert (episode.show, episode.id) == ("Talk Python", "talk-python/1")


def test_the_language_is_the_askers_else_the_files(tmp_path: Path) -> None:
    path = written(tmp_path / "a.vtt", SHORT_VTT.replace("WEBVTT\n", "WEBVTT\nKind: captions\nLanguage: de-AT\n"))
    assert import_captions(path).language == "de"
    assert import_captions(path, language="fr").language == "fr"


def test_playheads_own_json_is_taken_as_it_is(tmp_path: Path) -> None:
    assert import_captions(written(tmp_path / "x.json", SAID.to_json())) == SAID


def test_playheads_own_json_goes_under_another_show_when_asked(tmp_path: Path) -> None:
    made = import_captions(written(tmp_path / "x.json", SAID.to_json()), "Other Show")
    assert (made.episode.id, made.episode.show, made.segments) == ("other-show/episode", "Other Show", SAID.segments)


# Fault 27.
def test_repairs_are_counted_in_the_transcript(tmp_path: Path) -> None:
    made = import_captions(written(tmp_path / "a.vtt", SHORT_VTT.replace("00:02", "00:00")))
    assert made.engine.options == {"repaired": 1}


@pytest.mark.parametrize(
    "text", ["", "{", "5", '{"episode": 5}', '{"episode": {}, "version": 1}', "[" * 100_000, '"episode"']
)
def test_a_broken_json_is_named(tmp_path: Path, text: str) -> None:
    with pytest.raises(TranscriptError, match=r"broken\.json: ") as caught:
        import_captions(written(tmp_path / "broken.json", text))
    assert caught.value.code == "bad_captions"


odd_cues = st.lists(
    st.builds(
        lambda start, length, words, speaker: Cue(" ".join(words), speaker, start, start + length),
        st.integers(0, 3_000),
        st.integers(0, 2_000),
        st.lists(st.text(max_size=4).map(lambda text: "".join(text.split())).filter(bool), min_size=1, max_size=4),
        st.sampled_from([None, "Ann"]),
    )
).map(lambda cues: tuple(sorted(cues, key=lambda cue: cue.start_ms or 0)))


@given(odd_cues)
def test_any_cues_make_a_transcript_that_holds_with_every_word_in_order(cues: tuple[Cue, ...]) -> None:
    made = Transcript(SAID.episode, None, Engine("import", "1", "vtt"), "en", SAID.created, _segments(cues))
    made.check()
    said = ["".join(word.text for word in part.words) for part in made.segments]
    assert "".join(said) == "".join("".join(cue.text.split()) for cue in cues)
    assert [segment.id for segment in made.segments] == list(range(len(made.segments)))


def test_a_folder_is_walked_for_captions_in_order_and_hidden_files_are_passed_over(tmp_path: Path) -> None:
    for name in ("b/2.vtt", "b/1.SRT", "a.vtt", ".hidden.vtt", ".git/x.vtt", "b/readme.txt"):
        written(tmp_path / name)
    assert [path.relative_to(tmp_path).as_posix() for path in walk([tmp_path])] == ["a.vtt", "b/1.SRT", "b/2.vtt"]


def test_one_name_in_a_folder_is_one_episode_json_before_all(tmp_path: Path) -> None:
    written(tmp_path / "x.json", SAID.to_json())
    written(tmp_path / "y.json", '{"name": "no captions"}')
    for name in ("x.vtt", "x.srt", "y.vtt", "y.srt", "package.json", "z.srt"):
        written(tmp_path / name)
    assert [path.name for path in walk([tmp_path])] == ["x.json", "y.vtt", "z.srt"]


def test_files_that_are_named_are_taken_once_in_the_order_given(tmp_path: Path) -> None:
    first, second = written(tmp_path / ".b.vtt"), written(tmp_path / "a.json", "{}")
    assert walk([first, second, first]) == [first, second]


def test_a_path_that_does_not_exist_is_the_askers_mistake(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="none does not exist"):
        walk([tmp_path / "none"])
