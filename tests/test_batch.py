"""The batch against real files, a real decoder and a real feed; only the recognizer is a stand-in."""

import dataclasses
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from pytest_httpserver import HTTPServer

from fake_recognizer import FakeRecognizer, deaf
from speech import write_audio
from transcribe.batch import Batch, Standing, Wishes, next_step
from transcribe.connection import Connection
from transcribe.library import Library
from transcribe.listening import Here
from transcribe.progress import Silent
from transcribe.redo import parse
from transcribe.settings import Settings
from transcribe.sources import parse_source
from transcribe.visits import Visits
from transcribe.workers import InThisProcess, Owner

SAMPLE = Path(__file__).parent.parent / "audio/commons-talks/2026-03-03-who-owns-the-well-part-1.mp3"

FEED = """<?xml version="1.0"?>
<rss version="2.0"><channel><title>Peer Talks</title>
<item><title>First</title><guid>1</guid><pubDate>Sat, 18 Feb 2012 10:00:00 GMT</pubDate>
<enclosure url="{base}/one.wav?token={token}" type="audio/wav" length="1"/></item>
<item><title>Second</title><guid>2</guid><pubDate>Sun, 19 Feb 2012 10:00:00 GMT</pubDate>
<enclosure url="{base}/two.wav?token={token}" type="audio/wav" length="1"/></item>
</channel></rss>"""


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return Library(tmp_path / "library")


@pytest.fixture
def connection() -> Iterator[Connection]:
    with Connection(["127.0.0.1", "localhost"]) as connection:
        yield connection


def visits(library: Library) -> Visits:
    """Of which none is too fresh to be made again."""
    return Visits(library.state / "visits.json", poll_every_s=0)


def tone(path: Path, hertz: int = 220, tags: dict[str, str] | None = None) -> Path:
    """Two seconds that no other tone's file is equal to."""
    path.parent.mkdir(parents=True, exist_ok=True)
    wave = 8000 * np.sin(np.arange(32_000) * hertz * 2 * np.pi / 16_000)
    write_audio(wave.astype(np.int16), path, tags or {})
    return path


def run(
    library: Library,
    connection: Connection,
    *sources: str,
    recognizer: FakeRecognizer | None = None,
    wishes: Wishes | None = None,
) -> Batch:
    with library.locked():
        batch = Batch(library, connection, visits(library), Silent(), wishes)
        wanted = batch.wanted(batch.find([parse_source(source) for source in sources]))
        owner = Owner(Silent(), batch.checkpoints)
        batch.transcribe(batch.fetched(wanted), InThisProcess(recognizer or FakeRecognizer(), Here(), owner))
    return batch


def feed(server: HTTPServer, tmp_path: Path, token: str = "a", broken: bool = False) -> str:
    base = server.url_for("").rstrip("/")
    server.clear()
    server.expect_request("/feed").respond_with_data(
        FEED.format(base=base, token=token), content_type="application/rss+xml"
    )
    server.expect_request("/one.wav").respond_with_data(
        tone(tmp_path / "one.wav", 200).read_bytes(), content_type="audio/wav"
    )
    two = b"<html>gone</html>" if broken else tone(tmp_path / "two.wav", 300).read_bytes()
    server.expect_request("/two.wav").respond_with_data(two, content_type="audio/wav")
    return server.url_for("/feed")


@pytest.mark.parametrize(
    ("standing", "step"),
    [
        (Standing(audio=False, transcript=False), "fetch"),
        (Standing(audio=True, transcript=False), "transcribe"),
        (Standing(audio=True, transcript=True), "nothing"),
        (Standing(audio=False, transcript=True), "nothing"),
    ],
)
def test_an_episode_needs_what_it_has_not(standing: Standing, step: str) -> None:
    assert next_step(standing) == step


def test_a_file_becomes_an_episode_with_its_bytes_unaltered(library: Library, connection: Connection) -> None:
    batch = run(library, connection, str(SAMPLE))
    name = "commons-talks/2026-03-03-who-owns-the-well-part-1"
    assert batch.report.failed == {}
    assert batch.report.transcribed == [name]
    stored = library.load_record(name).audio
    assert stored is not None
    assert (library.root / stored.path).read_bytes() == SAMPLE.read_bytes()
    transcript = library.load_transcript(name)
    assert transcript.audio is not None
    assert transcript.audio.sha256 == stored.sha256
    assert transcript.episode.title == "Who Owns the Well? Part 1"
    assert transcript.engine.name == "fake"
    assert library.transcript_path(name).with_suffix(".vtt").read_text().startswith("WEBVTT")


def test_a_second_run_does_nothing_again(
    library: Library, connection: Connection, httpserver: HTTPServer, tmp_path: Path
) -> None:
    url = feed(httpserver, tmp_path)
    assert len(run(library, connection, url).report.transcribed) == 2
    httpserver.clear_log()
    recognizer = FakeRecognizer()
    again = run(library, connection, url, recognizer=recognizer)
    assert (again.report.fetched, again.report.transcribed, len(again.report.unchanged)) == ([], [], 2)
    assert recognizer.pieces == 0
    assert {request.path for request, _ in httpserver.log} == {"/feed"}


def test_a_new_token_in_its_url_is_no_new_episode(
    library: Library, connection: Connection, httpserver: HTTPServer, tmp_path: Path
) -> None:
    run(library, connection, feed(httpserver, tmp_path, token="a"))
    again = run(library, connection, feed(httpserver, tmp_path, token="b"))
    assert len(again.report.unchanged) == 2
    assert len(library.records()) == 2


def test_one_bad_episode_never_stops_the_others(
    library: Library, connection: Connection, httpserver: HTTPServer, tmp_path: Path
) -> None:
    batch = run(library, connection, feed(httpserver, tmp_path, broken=True))
    assert batch.report.transcribed == ["peer-talks/2012-02-18-first"]
    assert batch.report.failed["peer-talks/2012-02-19-second"].code == "not_audio"  # fault line 12
    record = library.load_record("peer-talks/2012-02-19-second")
    assert record.state == "failed"
    assert record.error is not None
    assert "html" in record.error.message

    mended = run(library, connection, feed(httpserver, tmp_path))
    assert mended.report.transcribed == ["peer-talks/2012-02-19-second"]
    assert library.load_record("peer-talks/2012-02-19-second").error is None


def test_what_cannot_be_decoded_is_named_and_the_batch_goes_on(
    library: Library, connection: Connection, tmp_path: Path
) -> None:
    folder = tmp_path / "Old Tapes"
    tone(folder / "good.wav")
    (folder / "empty.mp3").write_bytes(b"")
    (folder / "noise.mp3").write_bytes(bytes(range(256)) * 40)
    (folder / "page.mp3").write_text("<html>" * 100)
    (folder / "list.mp3").write_text("#EXTM3U\n#EXTINF:1,\n/etc/passwd\n")
    batch = run(library, connection, str(folder))  # fault lines 19, 20
    assert batch.report.transcribed == ["old-tapes/good"]
    assert {name: failure.code for name, failure in batch.report.failed.items()} == {
        "old-tapes/empty": "undecodable",
        "old-tapes/noise": "undecodable",
        "old-tapes/page": "undecodable",
        "old-tapes/list": "playlist",
    }


def test_a_source_that_cannot_be_had_is_named(library: Library, connection: Connection, httpserver: HTTPServer) -> None:
    batch = run(library, connection, httpserver.url_for("/nowhere"))
    assert [failure.code for failure in batch.report.failed.values()] == ["http_500"]
    assert httpserver.url_for("/nowhere") in batch.report.failed


def test_audio_put_into_the_library_keeps_its_place_and_name(library: Library, connection: Connection) -> None:
    place = library.audio / "commons-talks" / SAMPLE.name
    place.parent.mkdir(parents=True)
    shutil.copy(SAMPLE, place)
    batch = run(library, connection, str(library.audio))
    assert batch.report.transcribed == [f"commons-talks/{SAMPLE.stem}"]
    assert [path.name for path in library.audio.glob("*/*.mp3")] == [SAMPLE.name]
    assert run(library, connection, str(library.audio)).report.transcribed == []


def test_the_same_bytes_under_another_name_are_one_episode(
    library: Library, connection: Connection, tmp_path: Path
) -> None:
    first = tone(tmp_path / "tapes/first.wav")
    run(library, connection, str(first))
    copy = tmp_path / "copies/copy.wav"
    copy.parent.mkdir()
    shutil.copy(first, copy)
    batch = run(library, connection, str(copy))
    assert batch.report.unchanged == ["tapes/first"]
    assert [record.episode.id for record in library.records()] == ["tapes/first"]
    assert len(list(library.audio.glob("*/*.wav"))) == 1


def test_a_recognizer_that_fails_fails_its_episode_alone(
    library: Library, connection: Connection, tmp_path: Path
) -> None:
    batch = run(library, connection, str(SAMPLE), recognizer=deaf())
    assert [failure.code for failure in batch.report.failed.values()] == ["recognizer_failed"]
    assert library.transcript_ids() == []
    assert run(library, connection, str(SAMPLE)).report.transcribed


@pytest.mark.parametrize(
    ("problem", "code"), [(MemoryError(), "out_of_memory"), (ValueError("odd"), "recognizer_failed")]
)
def test_whatever_an_engine_raises_stays_with_its_episode(
    library: Library, connection: Connection, problem: Exception, code: str
) -> None:
    batch = run(library, connection, str(SAMPLE), recognizer=FakeRecognizer(failure=problem))
    assert [failure.code for failure in batch.report.failed.values()] == [code]


def test_a_transcript_that_a_crash_left_unrecorded_is_not_made_again(library: Library, connection: Connection) -> None:
    run(library, connection, str(SAMPLE))
    (record,) = library.records()
    library.save_record(dataclasses.replace(record, state="fetched"))
    assert run(library, connection, str(SAMPLE)).report.transcribed == []


def test_an_id_stays_when_the_title_changes(
    library: Library, connection: Connection, httpserver: HTTPServer, tmp_path: Path
) -> None:
    run(library, connection, feed(httpserver, tmp_path))
    changed = FEED.format(base=httpserver.url_for("").rstrip("/"), token="a").replace("First", "Renamed")
    httpserver.clear()
    httpserver.expect_request("/feed").respond_with_data(changed, content_type="application/rss+xml")
    run(library, connection, httpserver.url_for("/feed"))
    assert library.load_record("peer-talks/2012-02-18-first").episode.title == "Renamed"
    assert len(library.records()) == 2


def test_a_limit_takes_the_newest(
    library: Library, connection: Connection, httpserver: HTTPServer, tmp_path: Path
) -> None:
    with library.locked():
        batch = Batch(library, connection, visits(library), Silent())
        candidates = batch.find([parse_source(feed(httpserver, tmp_path))])
        wanted = batch.wanted(candidates, limit=1)
    assert [candidate.record.episode.id for candidate in wanted] == ["peer-talks/2012-02-19-second"]


def test_a_file_that_breaks_off_is_transcribed_as_far_as_it_goes_and_says_so(
    library: Library, connection: Connection, tmp_path: Path
) -> None:  # fault 17
    half = tmp_path / "Old Tapes/half.mp3"
    half.parent.mkdir()
    half.write_bytes(SAMPLE.read_bytes()[: SAMPLE.stat().st_size // 2])
    batch = run(library, connection, str(half))
    (name,) = batch.report.transcribed
    assert batch.report.damaged[name].code == "truncated"
    assert batch.report.failed == {}
    record = library.load_record(name)
    assert record.state == "truncated"
    assert record.error is not None
    assert record.error.message.startswith("the audio breaks off: ")
    transcript = library.load_transcript(name)
    assert transcript.damage is not None
    assert transcript.damage.truncated
    assert transcript.segments

    again = run(library, connection, str(half))
    assert (again.report.transcribed, again.report.unchanged) == ([], [name])


def test_what_deserves_it_is_transcribed_again(library: Library, connection: Connection) -> None:
    run(library, connection, str(SAMPLE))
    for redo, done in ((parse("model=large"), 0), (parse("engine=fake"), 1)):
        batch = Batch(library, connection, visits(library), Silent(), Wishes(redo))
        workers = InThisProcess(FakeRecognizer("said better"), Here(), Owner(Silent(), batch.checkpoints))
        batch.transcribe(batch.fetched(batch.wanted(batch.stored())), workers)
        assert len(batch.report.transcribed) == done
    (name,) = library.transcript_ids()
    assert library.load_transcript(name).segments[0].text.startswith("said better")


def test_the_transcripts_quality_is_noted_in_the_record(library: Library, connection: Connection) -> None:
    (name,) = run(library, connection, str(SAMPLE)).report.transcribed
    quality = library.load_record(name).quality
    assert quality is not None
    assert quality == library.load_transcript(name).quality


def test_a_shows_vocabulary_goes_to_its_episodes(library: Library, connection: Connection) -> None:
    vocabulary = {"Commons Talks": ["Bauwens", "P2P"], "other": ["no"]}
    settings = Settings.load(library.root, prompt="An interview.", vocabulary=vocabulary)
    recognizer = FakeRecognizer()
    batch = Batch(library, connection, visits(library), Silent())
    wanted = batch.wanted(batch.find([parse_source(str(SAMPLE))]))
    workers = InThisProcess(recognizer, Here(), Owner(Silent(), batch.checkpoints))
    batch.transcribe(batch.fetched(wanted), workers, settings.prompt_for)
    assert {hints.prompt for hints in recognizer.hints} == {"An interview. Bauwens, P2P."}


ITEM = """<item><title>{title}</title><guid>{guid}</guid><enclosure url="{url}" type="audio/wav" length="1"/></item>"""
SHOW = """<rss version="2.0"><channel><title>{show}</title>{items}</channel></rss>"""


def offer(server: HTTPServer, place: str, show: str, *items: tuple[str, str]) -> str:
    """A feed of these items, guid and path of audio."""
    told = [ITEM.format(title=guid.title(), guid=guid, url=server.url_for(path)) for guid, path in items]
    server.expect_request(place).respond_with_data(
        SHOW.format(show=show, items="".join(told)), content_type="application/rss+xml"
    )
    return server.url_for(place)


def sound(server: HTTPServer, path: str, file: Path, etag: str = '"one"') -> None:
    server.expect_request(path).respond_with_data(file.read_bytes(), content_type="audio/wav", headers={"ETag": etag})


def asked(server: HTTPServer, path: str) -> int:
    return sum(request.path == path for request, _ in server.log)


def test_the_same_audio_under_a_new_guid_is_one_episode(
    library: Library, connection: Connection, httpserver: HTTPServer, tmp_path: Path
) -> None:  # fault 13
    sound(httpserver, "/a.wav", tone(tmp_path / "a.wav"))
    sound(httpserver, "/b.wav", tone(tmp_path / "a.wav"))
    run(library, connection, offer(httpserver, "/feed", "Talks", ("first", "/a.wav")))
    httpserver.clear_all_handlers()
    sound(httpserver, "/b.wav", tone(tmp_path / "a.wav"))
    for _ in range(3):
        again = run(library, connection, offer(httpserver, "/feed", "Talks", ("anew", "/b.wav")))
        assert (again.report.transcribed, again.report.failed) == ([], {})
        assert [record.episode.id for record in library.records()] == ["talks/first"]
    assert asked(httpserver, "/b.wav") == 2  # to have it, and to hear that it is still the same; not a third time


def test_the_same_audio_in_two_shows_is_two_episodes_and_is_recognized_once(
    library: Library, connection: Connection, httpserver: HTTPServer, tmp_path: Path
) -> None:  # fault 13
    shutil.copy(SAMPLE, tmp_path / "talk.mp3")
    for path in ("/a.mp3", "/b.mp3"):
        sound(httpserver, path, tmp_path / "talk.mp3")
    recognizer = FakeRecognizer()
    run(library, connection, offer(httpserver, "/one", "One", ("same", "/a.mp3")), recognizer=recognizer)
    heard = recognizer.pieces
    run(library, connection, offer(httpserver, "/two", "Two", ("same", "/b.mp3")), recognizer=recognizer)
    assert recognizer.pieces == heard > 0
    one, two = (library.load_transcript(f"{show}/same") for show in ("one", "two"))
    assert one.segments == two.segments
    assert two.episode.show == "Two"
    stored = [library.root / f"audio/{show}/same.mp3" for show in ("one", "two")]
    assert stored[0].samefile(stored[1])


def test_audio_that_its_publisher_changes_is_noticed_and_kept_until_it_is_asked_for(
    library: Library, connection: Connection, httpserver: HTTPServer, tmp_path: Path
) -> None:
    old, new = tone(tmp_path / "old.wav", 200), tone(tmp_path / "new.wav", 300)
    sound(httpserver, "/a.wav", old)
    run(library, connection, offer(httpserver, "/feed", "Talks", ("first", "/a.wav")))
    httpserver.clear_all_handlers()
    sound(httpserver, "/moved/a.wav", new, '"two"')
    moved = offer(httpserver, "/feed", "Talks", ("first", "/moved/a.wav"))

    noticed = run(library, connection, moved)
    assert noticed.report.changed_upstream == ["talks/first"]
    assert (noticed.report.fetched, noticed.report.transcribed) == ([], [])
    assert library.load_record("talks/first").changed_upstream
    assert (library.root / "audio/talks/first.wav").read_bytes() == old.read_bytes()

    updated = run(library, connection, moved, wishes=Wishes(update=True))
    assert (updated.report.fetched, updated.report.transcribed) == (["talks/first"], ["talks/first"])
    assert not library.load_record("talks/first").changed_upstream
    assert (library.root / "audio/talks/first.wav").read_bytes() == new.read_bytes()


def test_a_host_that_asks_to_be_left_alone_is_no_failure(
    library: Library, connection: Connection, httpserver: HTTPServer
) -> None:  # fault 10
    httpserver.expect_request("/a.wav").respond_with_data("", status=429, headers={"Retry-After": "60"})
    url = offer(httpserver, "/feed", "Talks", ("first", "/a.wav"), ("second", "/b.wav"))
    report = run(library, connection, url).report
    assert {failure.code for failure in report.later.values()} == {"retry_later"}
    assert len(report.later) + len(report.failed) == 2


def test_the_feeds_of_an_opml_file_are_sources(
    library: Library, connection: Connection, httpserver: HTTPServer, tmp_path: Path
) -> None:
    sound(httpserver, "/a.wav", tone(tmp_path / "a.wav"))
    feed = offer(httpserver, "/feed", "Talks", ("first", "/a.wav"))
    path = tmp_path / "subscriptions.opml"
    path.write_text(
        f'<opml version="2.0"><body><outline text="News"><outline xmlUrl="{feed}"/></outline></body></opml>'
    )
    assert run(library, connection, str(path)).report.transcribed == ["talks/first"]
    assert Batch(library, connection, visits(library), Silent()).catalog.sources() == [feed]


def test_a_private_feeds_secrets_are_in_no_transcript(
    library: Library, connection: Connection, httpserver: HTTPServer, tmp_path: Path
) -> None:
    sound(httpserver, "/a.wav", tone(tmp_path / "a.wav"))
    url = offer(httpserver, "/feed", "Talks", ("first", "/a.wav?token=0123456789abcdef0123456789abcdef"))
    run(library, connection, f"{url}?auth=fedcba9876543210fedcba9876543210")
    text = library.transcript_path("talks/first").read_text()
    assert "a.wav" in text
    assert "0123456789abcdef" not in text
    assert "fedcba" not in text
