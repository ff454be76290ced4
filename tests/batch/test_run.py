"""The batch against real files, a real decoder and a real feed; only the recognizer is a stand-in."""

import dataclasses
import shutil
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from tests.support.fake_recognizer import FakeRecognizer, deaf
from tests.support.silent import Silent
from tests.support.speech import write_audio
from transcribe.audio.inline_decoder import InlineDecoder
from transcribe.batch.redo_condition import parse
from transcribe.batch.result_writer import public as public_episode
from transcribe.batch.run import Batch
from transcribe.batch.run_options import RunOptions
from transcribe.console import Progress
from transcribe.fetch.feed_cache import FeedCache
from transcribe.fetch.http_client import HttpClient
from transcribe.library.chapters import load_chapters
from transcribe.library.episode import Episode
from transcribe.library.store import Library
from transcribe.library.transcript import Chapter, Transcript
from transcribe.publishers.match import Mismatch
from transcribe.settings import Settings
from transcribe.sources.source import parse_source, source_of
from transcribe.transcription.job import Job, Offer
from transcribe.workers.in_this_process import InThisProcess
from transcribe.workers.job_tracker import JobTracker
from transcribe.workers.worker import Outcome

SAMPLE = Path(__file__).parents[2] / "audio/commons-talks/2026-03-03-who-owns-the-well-part-1.mp3"

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
def connection() -> Iterator[HttpClient]:
    with HttpClient(["127.0.0.1", "localhost"]) as connection:
        yield connection


def feed_cache(library: Library) -> FeedCache:
    """Of which none is too fresh to be made again."""
    return FeedCache(library.state / "visits.json", poll_every_s=0)


def tone(path: Path, hertz: int = 220, tags: dict[str, str] | None = None) -> Path:
    """Two seconds that no other tone's file is equal to."""
    path.parent.mkdir(parents=True, exist_ok=True)
    wave = 8000 * np.sin(np.arange(32_000) * hertz * 2 * np.pi / 16_000)
    write_audio(wave.astype(np.int16), path, tags or {})
    return path


def run(
    library: Library,
    connection: HttpClient,
    *sources: str,
    recognizer: FakeRecognizer | None = None,
    options: RunOptions | None = None,
    progress: Progress | None = None,
) -> Batch:
    with library.locked():
        batch = Batch(library, connection, feed_cache(library), progress or Silent(), options)
        planned = batch.plan(batch.find([parse_source(source) for source in sources]))
        owner = JobTracker(Silent(), batch.checkpoints)
        batch.transcribe(planned, InThisProcess(recognizer or FakeRecognizer(), InlineDecoder(), owner))
    return batch


class Saying(Silent):
    """Keeps the lines that were said."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, line: str) -> None:
        self.lines.append(line)


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


def test_a_file_becomes_an_episode_with_its_bytes_unaltered(library: Library, connection: HttpClient) -> None:
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
    library: Library, connection: HttpClient, httpserver: HTTPServer, tmp_path: Path
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
    library: Library, connection: HttpClient, httpserver: HTTPServer, tmp_path: Path
) -> None:
    run(library, connection, feed(httpserver, tmp_path, token="a"))
    again = run(library, connection, feed(httpserver, tmp_path, token="b"))
    assert len(again.report.unchanged) == 2
    assert len(library.records()) == 2


def test_one_bad_episode_never_stops_the_others(
    library: Library, connection: HttpClient, httpserver: HTTPServer, tmp_path: Path
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
    library: Library, connection: HttpClient, tmp_path: Path
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


def test_a_source_that_cannot_be_had_is_named(library: Library, connection: HttpClient, httpserver: HTTPServer) -> None:
    batch = run(library, connection, httpserver.url_for("/nowhere"))
    assert [failure.code for failure in batch.report.failed.values()] == ["http_500"]
    assert httpserver.url_for("/nowhere") in batch.report.failed


def test_audio_put_into_the_library_keeps_its_place_and_name(library: Library, connection: HttpClient) -> None:
    place = library.audio / "commons-talks" / SAMPLE.name
    place.parent.mkdir(parents=True)
    shutil.copy(SAMPLE, place)
    batch = run(library, connection, str(library.audio))
    assert batch.report.transcribed == [f"commons-talks/{SAMPLE.stem}"]
    assert [path.name for path in library.audio.glob("*/*.mp3")] == [SAMPLE.name]
    assert run(library, connection, str(library.audio)).report.transcribed == []


def test_the_same_bytes_under_another_name_are_one_episode(
    library: Library, connection: HttpClient, tmp_path: Path
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
    library: Library, connection: HttpClient, tmp_path: Path
) -> None:
    batch = run(library, connection, str(SAMPLE), recognizer=deaf())
    assert [failure.code for failure in batch.report.failed.values()] == ["recognizer_failed"]
    assert library.transcript_ids() == []
    assert run(library, connection, str(SAMPLE)).report.transcribed


@pytest.mark.parametrize(("problem", "code"), [(MemoryError(), "out_of_memory"), (ValueError("odd"), "internal_error")])
def test_whatever_an_engine_raises_stays_with_its_episode(
    library: Library, connection: HttpClient, problem: Exception, code: str
) -> None:
    batch = run(library, connection, str(SAMPLE), recognizer=FakeRecognizer(failure=problem))
    assert [failure.code for failure in batch.report.failed.values()] == [code]


def test_a_transcript_that_a_crash_left_unrecorded_is_not_made_again(library: Library, connection: HttpClient) -> None:
    run(library, connection, str(SAMPLE))
    (record,) = library.records()
    library.save_record(dataclasses.replace(record, state="fetched"))
    assert run(library, connection, str(SAMPLE)).report.transcribed == []


def test_an_id_stays_when_the_title_changes(
    library: Library, connection: HttpClient, httpserver: HTTPServer, tmp_path: Path
) -> None:
    run(library, connection, feed(httpserver, tmp_path))
    changed = FEED.format(base=httpserver.url_for("").rstrip("/"), token="a").replace("First", "Renamed")
    httpserver.clear()
    httpserver.expect_request("/feed").respond_with_data(changed, content_type="application/rss+xml")
    run(library, connection, httpserver.url_for("/feed"))
    assert library.load_record("peer-talks/2012-02-18-first").episode.title == "Renamed"
    assert len(library.records()) == 2


def test_a_limit_takes_the_newest(
    library: Library, connection: HttpClient, httpserver: HTTPServer, tmp_path: Path
) -> None:
    with library.locked():
        batch = Batch(library, connection, feed_cache(library), Silent())
        candidates = batch.find([parse_source(feed(httpserver, tmp_path))])
        planned = batch.plan(candidates, limit=1)
    assert [episode.record.episode.id for episode in planned.episodes] == ["peer-talks/2012-02-19-second"]


def test_a_file_that_breaks_off_is_transcribed_as_far_as_it_goes_and_says_so(
    library: Library, connection: HttpClient, tmp_path: Path
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


def test_what_deserves_it_is_transcribed_again(library: Library, connection: HttpClient) -> None:
    run(library, connection, str(SAMPLE))
    for redo, done in ((parse("model=large"), 0), (parse("engine=fake"), 1)):
        batch = Batch(library, connection, feed_cache(library), Silent(), RunOptions(redo))
        workers = InThisProcess(FakeRecognizer("said better"), InlineDecoder(), JobTracker(Silent(), batch.checkpoints))
        batch.transcribe(batch.plan(batch.stored()), workers)
        assert len(batch.report.transcribed) == done
    (name,) = library.transcript_ids()
    assert library.load_transcript(name).segments[0].text.startswith("said better")


def test_the_transcripts_quality_is_noted_in_the_record(library: Library, connection: HttpClient) -> None:
    (name,) = run(library, connection, str(SAMPLE)).report.transcribed
    quality = library.load_record(name).quality
    assert quality is not None
    assert quality == library.load_transcript(name).quality


def test_a_shows_vocabulary_goes_to_its_episodes(library: Library, connection: HttpClient) -> None:
    vocabulary = {"Commons Talks": ["Bauwens", "P2P"], "other": ["no"]}
    settings = Settings.load(library.root, prompt="An interview.", vocabulary=vocabulary)
    recognizer = FakeRecognizer()
    batch = Batch(library, connection, feed_cache(library), Silent())
    planned = batch.plan(batch.find([parse_source(str(SAMPLE))]))
    workers = InThisProcess(recognizer, InlineDecoder(), JobTracker(Silent(), batch.checkpoints))
    batch.transcribe(planned, workers, settings.prompt_for)
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
    library: Library, connection: HttpClient, httpserver: HTTPServer, tmp_path: Path
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
    library: Library, connection: HttpClient, httpserver: HTTPServer, tmp_path: Path
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
    library: Library, connection: HttpClient, httpserver: HTTPServer, tmp_path: Path
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

    updated = run(library, connection, moved, options=RunOptions(update=True))
    assert (updated.report.fetched, updated.report.transcribed) == (["talks/first"], ["talks/first"])
    assert not library.load_record("talks/first").changed_upstream
    assert (library.root / "audio/talks/first.wav").read_bytes() == new.read_bytes()


def test_a_host_that_asks_to_be_left_alone_is_no_failure(
    library: Library, connection: HttpClient, httpserver: HTTPServer
) -> None:  # fault 10
    httpserver.expect_request("/a.wav").respond_with_data("", status=429, headers={"Retry-After": "60"})
    url = offer(httpserver, "/feed", "Talks", ("first", "/a.wav"), ("second", "/b.wav"))
    report = run(library, connection, url).report
    assert {failure.code for failure in report.later.values()} == {"retry_later"}
    assert len(report.later) + len(report.failed) == 2


def test_the_feeds_of_an_opml_file_are_sources(
    library: Library, connection: HttpClient, httpserver: HTTPServer, tmp_path: Path
) -> None:
    sound(httpserver, "/a.wav", tone(tmp_path / "a.wav"))
    feed = offer(httpserver, "/feed", "Talks", ("first", "/a.wav"))
    path = tmp_path / "subscriptions.opml"
    path.write_text(
        f'<opml version="2.0"><body><outline text="News"><outline xmlUrl="{feed}"/></outline></body></opml>'
    )
    assert run(library, connection, str(path)).report.transcribed == ["talks/first"]
    batch = Batch(library, connection, feed_cache(library), Silent())
    assert batch.catalog.sources() == [feed]
    assert batch.source_list.sources() == [parse_source(str(path))]


def test_a_private_feeds_secrets_are_in_no_transcript(
    library: Library, connection: HttpClient, httpserver: HTTPServer, tmp_path: Path
) -> None:
    sound(httpserver, "/a.wav", tone(tmp_path / "a.wav"))
    url = offer(httpserver, "/feed", "Talks", ("first", "/a.wav?token=0123456789abcdef0123456789abcdef"))
    run(library, connection, f"{url}?auth=fedcba9876543210fedcba9876543210")
    text = library.transcript_path("talks/first").read_text()
    assert "a.wav" in text
    assert "0123456789abcdef" not in text
    assert "fedcba" not in text


def test_nor_in_a_guid_or_a_description_that_holds_its_address() -> None:
    secret = "https://me:pass@example.org/a.mp3?token=0123456789abcdef"
    episode = Episode("talks/first", "Talks", "First", None, secret, secret, secret, f"Listen: {secret}")
    public = "https://example.org/a.mp3?token=…"
    assert public_episode(episode) == Episode(
        "talks/first", "Talks", "First", None, public, public, public, f"Listen: {public}"
    )


# What a run without a source asks


def test_what_was_named_once_is_asked_ever_after(
    library: Library, connection: HttpClient, httpserver: HTTPServer, tmp_path: Path
) -> None:
    """A feed without episodes, a list that grows, a page and an audio file that could not be had, and a folder."""
    tone(tmp_path / "tapes/a.wav", 100)
    blog = '<html><title>Page</title><a href="/page.wav">Listen</a></html>'
    httpserver.expect_request("/page").respond_with_data(blog, content_type="text/html")
    outlines = '<opml><body><outline xmlUrl="{}"/></body></opml>'
    lists = outlines.format(offer(httpserver, "/one", "One"))
    httpserver.expect_oneshot_request("/list").respond_with_data(lists, content_type="text/x-opml")
    named = [httpserver.url_for(path) for path in ("/list", "/page", "/alone.wav")]
    named += [offer(httpserver, "/later", "Later"), str(tmp_path / "tapes")]
    run(library, connection, *named)
    assert library.transcript_ids() == ["tapes/a"]

    httpserver.clear_all_handlers()
    for number, path in enumerate(("/page.wav", "/alone.wav", "/later.wav", "/two.wav")):
        sound(httpserver, path, tone(tmp_path / f"{number}.wav", 200 + number))
    tone(tmp_path / "tapes/b.wav", 300)
    httpserver.expect_request("/page").respond_with_data(blog, content_type="text/html")
    lists = outlines.format(offer(httpserver, "/two", "Two", ("two", "/two.wav")))
    httpserver.expect_request("/list").respond_with_data(lists, content_type="text/x-opml")
    offer(httpserver, "/later", "Later", ("first", "/later.wav"))
    ran = run(library, connection)
    assert ran.report.failed == {}
    assert library.transcript_ids() == [
        "later/first",
        "localhost/alone",
        "localhost/page",
        "tapes/a",
        "tapes/b",
        "two/two",
    ]
    assert (library.audio / "sources.txt").read_text().splitlines()[1:] == named


def test_what_was_named_before_and_is_not_there_now_is_passed_over(
    library: Library, connection: HttpClient, tmp_path: Path
) -> None:
    tone(tmp_path / "tapes/a.wav")
    run(library, connection, str(tmp_path / "tapes"), str(SAMPLE))
    shutil.rmtree(tmp_path / "tapes")
    report = run(library, connection).report
    assert report.failed == {}
    assert "sources.txt may be deleted" in report.absent[str(tmp_path / "tapes")].message
    assert len(report.absent) == 1


def test_a_source_of_the_settings_that_is_not_there_is_a_failure_and_no_more(
    library: Library, connection: HttpClient, tmp_path: Path
) -> None:
    tone(tmp_path / "tapes/a.wav")
    gone, there = (source_of(name, tmp_path) for name in ("gone", "tapes"))
    report = run(library, connection, options=RunOptions(sources={gone: "prefer", there: "prefer"})).report
    assert {name: failure.code for name, failure in report.failed.items()} == {str(tmp_path / "gone"): "not_there"}
    assert report.transcribed == ["tapes/a"]


def test_a_source_that_is_not_in_the_settings_any_more_is_not_asked(
    library: Library, connection: HttpClient, httpserver: HTTPServer, tmp_path: Path
) -> None:
    options = RunOptions(sources={source_of(feed(httpserver, tmp_path), tmp_path): "prefer"})
    for _ in range(2):
        assert len(run(library, connection, options=options).catalog.records) == 2
    httpserver.clear_log()
    run(library, connection)
    assert httpserver.log == []


def test_a_mistyped_address_is_no_source(library: Library, connection: HttpClient, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/fed").respond_with_data("", status=404)
    run(library, connection, httpserver.url_for("/fed"), httpserver.url_for("/down"))
    assert list(run(library, connection).report.failed) == [httpserver.url_for("/down")]


# Episodes that fail


def test_an_episode_that_failed_is_tried_again_after_it_has_left_its_feed(
    library: Library, connection: HttpClient, httpserver: HTTPServer, tmp_path: Path
) -> None:
    sound(httpserver, "/two.wav", tone(tmp_path / "two.wav", 200))
    first = run(library, connection, offer(httpserver, "/feed", "Talks", ("one", "/one.wav"), ("two", "/two.wav")))
    assert list(first.report.failed) == ["talks/one"]
    httpserver.clear_all_handlers()
    sound(httpserver, "/one.wav", tone(tmp_path / "one.wav", 300))
    assert run(library, connection, offer(httpserver, "/feed", "Talks")).report.transcribed == ["talks/one"]


def test_a_limit_is_not_used_up_by_those_that_failed(
    library: Library, connection: HttpClient, httpserver: HTTPServer, tmp_path: Path
) -> None:
    newest_dead = offer(httpserver, "/feed", "Talks", ("a", "/dead.wav"), ("b", "/dead.wav"), ("c", "/c.wav"))
    sound(httpserver, "/c.wav", tone(tmp_path / "c.wav"))
    tried = []
    for _ in range(3):
        with library.locked():
            batch = Batch(library, connection, feed_cache(library), Silent())
            batch.fetch(batch.plan(batch.find([parse_source(newest_dead)]), limit=1))
        tried += [*batch.report.failed, *batch.report.fetched]
    assert tried == ["talks/a", "talks/b", "talks/c"]


def test_an_update_to_bytes_that_another_episode_has_costs_neither(
    library: Library, connection: HttpClient, httpserver: HTTPServer, tmp_path: Path
) -> None:
    """A host that serves the same bytes for all that it has lost."""
    paths = ("/one.wav", "/two.wav")
    for number, path in enumerate(paths):
        sound(httpserver, path, tone(tmp_path / path[1:], 200 + number))
    url = offer(httpserver, "/feed", "Talks", *((path[1:4], path) for path in paths))
    run(library, connection, url)
    httpserver.clear_all_handlers()
    for path in paths:
        sound(httpserver, path, tone(tmp_path / "lost.wav", 500), '"lost"')
    offer(httpserver, "/feed", "Talks", *((path[1:4], path) for path in paths))
    run(library, connection, url, options=RunOptions(update=True))
    assert [record.episode.id for record in library.records()] == library.transcript_ids() == ["talks/one", "talks/two"]
    stored = [(library.root / f"audio/talks/{name}.wav").read_bytes() for name in ("one", "two")]
    assert stored == [(tmp_path / "lost.wav").read_bytes()] * 2


# What an update finds that is no other sound


def changed_at_its_host(server: HTTPServer, data: bytes, etag: str) -> str:
    """A feed of one episode whose audio has these bytes now."""
    server.clear_all_handlers()
    server.expect_request("/a.mp3").respond_with_data(data, content_type="audio/mpeg", headers={"ETag": etag})
    return offer(server, "/feed", "Talks", ("first", "/a.mp3"))


def test_an_update_to_the_same_bytes_costs_no_second_transcript(
    library: Library, connection: HttpClient, httpserver: HTTPServer
) -> None:
    """A host that gives its files new marks, as one that was moved does."""
    recognizer = FakeRecognizer()
    run(library, connection, changed_at_its_host(httpserver, SAMPLE.read_bytes(), '"one"'), recognizer=recognizer)
    heard = recognizer.pieces
    for etag in ('"two"', '"three"'):
        changed_at_its_host(httpserver, SAMPLE.read_bytes(), etag)
        updated = run(library, connection, recognizer=recognizer, options=RunOptions(update=True)).report
        assert (updated.fetched, updated.transcribed, updated.changed_upstream) == ([], [], [])
        assert updated.unchanged == ["talks/first"]
    assert recognizer.pieces == heard > 0
    record = library.load_record("talks/first")
    assert not record.changed_upstream
    assert record.audio
    assert record.audio.validators
    assert record.audio.validators.etag == '"three"'


def test_other_advertisements_each_day_cost_no_second_transcript(
    library: Library, connection: HttpClient, httpserver: HTTPServer
) -> None:
    other = SAMPLE.with_name("2026-03-10-who-owns-the-well-part-2.mp3").read_bytes()
    days = [other[start : start + 40_000] + SAMPLE.read_bytes() for start in (100_000, 300_000, 500_000)]
    recognizer, said = FakeRecognizer(), Saying()
    run(library, connection, changed_at_its_host(httpserver, days[0], '"0"'), recognizer=recognizer)
    heard = recognizer.pieces
    for number, data in enumerate(days[1:], start=1):
        changed_at_its_host(httpserver, data, f'"{number}"')
        options = RunOptions(update=True)
        updated = run(library, connection, recognizer=recognizer, options=options, progress=said).report
        assert (updated.fetched, updated.transcribed, updated.changed_upstream) == ([], [], [])
    assert recognizer.pieces == heard > 0
    assert "short passages, such as advertisements" in said.lines[-1]
    assert [path.name for path in library.audio.glob("talks/*.mp3")] == ["first.mp3"]
    assert not list(library.audio.glob("talks/.*"))
    assert (library.audio / "talks/first.mp3").read_bytes() == days[0]  # to which the transcript's times belong

    (library.audio / "talks/first.mp3").unlink()  # as the message advises
    library.transcript_path("talks/first").unlink()
    assert run(library, connection).report.transcribed == ["talks/first"]
    assert (library.audio / "talks/first.mp3").read_bytes() == days[2]


# What publishers offer beside the audio, and change


def test_audio_that_its_publisher_replaces_in_its_place_is_noticed_by_its_length(
    library: Library, connection: HttpClient, httpserver: HTTPServer, tmp_path: Path
) -> None:
    sound(httpserver, "/a.wav", tone(tmp_path / "old.wav", 200))
    url = offer(httpserver, "/feed", "Talks", ("first", "/a.wav"))
    run(library, connection, url)
    httpserver.clear()
    sound(httpserver, "/a.wav", tone(tmp_path / "new.wav", 300), '"two"')
    offer(httpserver, "/feed", "Talks", ("first", "/a.wav"))
    assert run(library, connection).report.changed_upstream == []  # nothing told of it
    assert asked(httpserver, "/a.wav") == 0
    httpserver.clear_all_handlers()
    sound(httpserver, "/a.wav", tone(tmp_path / "new.wav", 300), '"two"')
    longer = SHOW.format(show="Talks", items=ITEM.format(title="First", guid="first", url=httpserver.url_for("/a.wav")))
    longer = longer.replace('length="1"', 'length="2"')
    httpserver.expect_request("/feed").respond_with_data(longer, content_type="application/rss+xml")
    assert run(library, connection).report.changed_upstream == ["talks/first"]
    assert run(library, connection, options=RunOptions(update=True)).report.fetched == ["talks/first"]
    assert (library.audio / "talks/first.wav").read_bytes() == (tmp_path / "new.wav").read_bytes()


TEXTS = """<podcast:transcript url="{base}/es.vtt" type="text/vtt" language="es"/>
<podcast:transcript url="{base}/en.srt" type="application/x-subrip" language="en"/>"""


def tell(server: HTTPServer, texts: str = TEXTS) -> str:
    """A feed in English of one episode with these texts."""
    base = server.url_for("").rstrip("/")
    for name in ("es.vtt", "en.srt"):
        server.expect_request(f"/{name}").respond_with_data(f"text of {name}")
    item = ITEM.format(title="First", guid="first", url=f"{base}/a.wav")
    item = item.replace("</item>", texts.format(base=base) + "</item>")
    show = SHOW.format(show="Talks", items=f"<language>en-us</language>{item}")
    show = show.replace("<rss ", '<rss xmlns:podcast="https://podcastindex.org/namespace/1.0" ')
    server.expect_request("/feed").respond_with_data(show, content_type="application/rss+xml")
    return server.url_for("/feed")


def kept(library: Library) -> list[str]:
    return sorted(path.name for path in library.audio.glob("*/*.transcript.*"))


def test_a_translation_is_not_taken_for_what_was_said(
    library: Library, connection: HttpClient, httpserver: HTTPServer, tmp_path: Path
) -> None:
    sound(httpserver, "/a.wav", tone(tmp_path / "a.wav"))
    offers: list[Offer] = []

    class Refusing(InThisProcess):
        """Takes no publisher's transcript."""

        def run(self, jobs: Iterable[Job | None]) -> Iterator[tuple[Job, Outcome]]:
            for job in jobs:
                if job and job.offer:
                    offers.append(job.offer)
                    yield job, Mismatch("of something else")
                elif job:
                    yield from super().run([job])

    with library.locked():
        batch = Batch(library, connection, feed_cache(library), Silent())
        planned = batch.plan(batch.find([parse_source(tell(httpserver))]))
        batch.transcribe(planned, Refusing(FakeRecognizer(), InlineDecoder(), JobTracker(Silent(), batch.checkpoints)))
    assert batch.report.mismatched.keys() == {*batch.report.transcribed} == {"talks/first"}
    assert kept(library) == ["first.transcript.en.srt"]
    assert [(offer.text.language, offer.data) for offer in offers] == [("en", b"text of en.srt")]


def test_a_transcript_that_is_offered_after_the_audio_is_kept_if_there_is_none_yet(
    library: Library, connection: HttpClient, httpserver: HTTPServer
) -> None:
    sound(httpserver, "/a.wav", SAMPLE)
    first = run(library, connection, tell(httpserver, ""), recognizer=deaf())
    assert list(first.report.failed) == ["talks/first"]
    httpserver.clear()
    run(library, connection, tell(httpserver))
    assert kept(library) == ["first.transcript.en.srt"]
    assert asked(httpserver, "/a.wav") == 0
    httpserver.clear()
    run(library, connection, tell(httpserver, TEXTS.replace("en.srt", "en.srt?v=2")))
    assert asked(httpserver, "/en.srt") == 0  # it has its transcript by now


def test_what_a_file_holds_of_chapters_is_kept_once_it_is_decoded_and_no_sooner(
    library: Library,
    connection: HttpClient,
    httpserver: HTTPServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fault 24: a file that hangs or crashes the decoder must not meet it in the library's own process
    headed = {"CHAPTER000": "00:00:01.000", "CHAPTER000NAME": "The well"}
    sound(httpserver, "/a.ogg", tone(tmp_path / "a.ogg", 200, headed))
    url = offer(httpserver, "/feed", "Talks", ("first", "/a.ogg"))
    with monkeypatch.context() as at_the_door:
        at_the_door.setattr("av.open", lambda *_, **__: pytest.fail("it is being decoded"))
        batch = Batch(library, connection, feed_cache(library), Silent())
        batch.fetch(batch.plan(batch.find([parse_source(url)])))
        assert [record.state for record in library.records()] == ["fetched"]
    assert load_chapters(library, "talks/first") == ()
    run(library, connection, url)
    assert load_chapters(library, "talks/first") == (Chapter(1000, "The well"),)

    httpserver.clear_all_handlers()
    sound(httpserver, "/a.ogg", tone(tmp_path / "b.ogg", 300), '"two"')
    update = RunOptions(update=True)
    again = run(library, connection, offer(httpserver, "/feed", "Talks", ("first", "/a.ogg")), options=update)
    assert again.report.transcribed == ["talks/first"]
    assert load_chapters(library, "talks/first") == ()


# Records that cannot be read


@pytest.mark.parametrize("content", [b"", b'{"id": ', b"[]", b"\xff\xfe", b'{"version": 1, "id": "talks/other"}'])
def test_a_record_that_cannot_be_read_is_said_and_rebuilt(
    library: Library, connection: HttpClient, httpserver: HTTPServer, tmp_path: Path, content: bytes
) -> None:
    url = feed(httpserver, tmp_path)
    run(library, connection, url)
    before = library.load_record("peer-talks/2012-02-18-first")
    transcript = library.load_transcript("peer-talks/2012-02-18-first")
    path = library.record_path("peer-talks/2012-02-18-first")
    path.write_bytes(content)
    httpserver.clear_log()
    progress = Saying()
    again = run(library, connection, url, progress=progress)
    assert (again.report.fetched, again.report.transcribed, again.report.failed) == ([], [], {})
    assert len(library.records()) == 2
    assert [line.partition(": ")[0] for line in progress.lines] == 2 * ["peer-talks/2012-02-18-first"]
    assert "cannot be read" in progress.lines[0]
    assert "rebuilt" in progress.lines[1]
    after = library.load_record("peer-talks/2012-02-18-first")
    assert (after.identity, after.source, after.state) == (before.identity, before.source, "transcribed")
    assert after.audio is not None
    assert before.audio is not None
    assert after.audio.sha256 == before.audio.sha256
    assert library.load_transcript("peer-talks/2012-02-18-first") == transcript
    assert path.with_name(f"{path.name}.unreadable").read_bytes() == content
    assert {request.path for request, _ in httpserver.log} == {"/feed"}


def test_a_record_is_rebuilt_from_audio_alone(
    library: Library, connection: HttpClient, httpserver: HTTPServer, tmp_path: Path
) -> None:
    url = feed(httpserver, tmp_path)
    run(library, connection, url)
    library.record_path("peer-talks/2012-02-18-first").write_text("{")
    for suffix in (".json", ".vtt"):
        library.transcript_path("peer-talks/2012-02-18-first").with_suffix(suffix).unlink()
    again = run(library, connection, url)
    assert (again.report.fetched, again.report.transcribed) == ([], ["peer-talks/2012-02-18-first"])
    record = library.load_record("peer-talks/2012-02-18-first")
    assert (record.episode.show, record.episode.title, len(library.records())) == ("Peer Talks", "First", 2)


def test_where_nothing_is_stored_of_an_episode_it_is_fetched_anew_under_its_id(
    library: Library, connection: HttpClient, httpserver: HTTPServer, tmp_path: Path
) -> None:
    url = feed(httpserver, tmp_path, broken=True)
    run(library, connection, url)
    library.record_path("peer-talks/2012-02-19-second").write_text("{")
    again = run(library, connection, feed(httpserver, tmp_path))
    assert again.report.transcribed == ["peer-talks/2012-02-19-second"]


# What waits for what


def test_nothing_that_is_ready_waits_for_a_download(
    library: Library, connection: HttpClient, httpserver: HTTPServer, tmp_path: Path
) -> None:
    first_is_written = threading.Event()

    def slow(_: Request) -> Response:
        assert first_is_written.wait(60), "the first transcript was not written while this one was awaited"
        return Response(SAMPLE.read_bytes(), content_type="audio/mpeg")

    shutil.copy(SAMPLE, tmp_path / "talk.mp3")
    sound(httpserver, "/one.mp3", tone(tmp_path / "one.wav"))
    httpserver.expect_request("/two.mp3").respond_with_handler(slow)
    url = offer(httpserver, "/feed", "Talks", ("one", "/one.mp3"), ("two", "/two.mp3"))

    class Watched(Library):
        def save_transcript(self, transcript: Transcript) -> None:
            super().save_transcript(transcript)
            first_is_written.set()

    ran = run(Watched(library.root), connection, url)
    assert sorted(ran.report.transcribed) == ["talks/one", "talks/two"]
    assert ran.report.failed == {}
