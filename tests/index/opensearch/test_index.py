"""Search on OpenSearch, beyond what the contract asks of every index: a real cluster, and servers that are rude."""

import contextlib
import itertools
import json
import socket
import socketserver
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytest_httpserver import HTTPServer
from werkzeug import Request as CommandContext
from werkzeug import Response

from search.errors import IndexUnavailable
from search.index.contract import Filters, Index, Order, Request
from search.index.opensearch.bulk import Action, send
from search.index.opensearch.circuit_breaker import REMEMBERED_S, CircuitBreaker
from search.index.opensearch.connection import Cluster, Connection, OutOfReach, Refused
from search.index.opensearch.documents import Bucket, Document, pack_bucket
from search.index.opensearch.library_index import OpenSearchLibraryIndex
from search.index.opensearch.schema import STATE_ID, bucket, key
from search.index.opensearch.writer import OpenSearchWriter, current
from search.index.passages import Passages, passages
from search.index.whoosh.index import WhooshIndex, WhooshWriter
from search.query.parser import parse
from tests.support import opensearch_cluster
from tests.support.conversations import conversations, queries, transcript, two_episodes
from transcribe.errors import CannotStart, UsageError
from transcribe.library.store import Library
from transcribe.library.transcript import Transcript

SECRETS = ("alice", "wonder-land", "a2V5")


@pytest.fixture
def cluster() -> Cluster:
    return Cluster.at(opensearch_cluster.urls())


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return two_episodes(tmp_path)


@pytest.fixture
def library_index(library: Library, cluster: Cluster) -> Iterator[OpenSearchLibraryIndex]:
    yield OpenSearchLibraryIndex(library, cluster)
    if (library.state / "library.id").exists():
        opensearch_cluster.forget(f"playhead-{(library.state / 'library.id').read_text()}")


def read(transcripts: list[Transcript]) -> list[Passages]:
    return [passages(spoken, f"digest {number}") for number, spoken in enumerate(transcripts)]


def total(index: Index, text: str) -> int:
    return index.search(Request(parse(text))).total


# --- the same answers ---


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
@given(
    spoken=st.tuples(*(conversations(name) for name in ("a/one", "a/two", "b/one"))),
    asked=st.lists(
        st.builds(
            Request,
            query=st.builds(parse, queries, st.sampled_from(["exact", "loose"])),
            filters=st.builds(
                Filters,
                show=st.sampled_from([None, None, "a"]),
                after=st.sampled_from([None, None, "2012"]),
                before=st.sampled_from([None, None, "2012-02"]),
                speaker=st.sampled_from([None, None, None, "Ann"]),
            ),
            order=st.sampled_from(["newest", "oldest", "relevance"]),
            limit=st.integers(0, 4),
            offset=st.integers(0, 4),
        ),
        min_size=10,
        max_size=20,
    ),
)
def test_every_answer_is_that_of_the_embedded_index(
    cluster: Cluster, tmp_path_factory: pytest.TempPathFactory, spoken: tuple[Transcript, ...], asked: list[Request]
) -> None:
    folder = tmp_path_factory.mktemp("index")
    for writer in (WhooshWriter(folder), opensearch_cluster.writer(folder)):
        writer.update(read(list(spoken)), [])
    embedded, far = WhooshIndex(folder), opensearch_cluster.reader(folder)
    assert far.contents() == embedded.contents()
    for request in asked:
        assert far.search(request) == embedded.search(request)
        assert list(far.every(request)) == list(embedded.every(request))


@pytest.mark.parametrize("order", ["newest", "oldest", "relevance"])
def test_many_episodes_are_read_a_few_at_a_time(
    order: Order, cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("search.index.opensearch.snapshot.BATCH", 2)
    monkeypatch.setattr("search.index.opensearch.index.EPISODES_AT_ONCE", 3)
    dates = [None, None, None, "2011-01-01", "2011-01-01", "2011-01-01", "2012-01-01"]
    spoken = [transcript("peer to " * n, name=f"s/{n}", published=date) for n, date in enumerate(dates, 1)]
    for writer in (WhooshWriter(tmp_path), opensearch_cluster.writer(tmp_path)):
        writer.update(read(spoken), [])
    embedded, far = WhooshIndex(tmp_path), opensearch_cluster.reader(tmp_path)
    for text in ("peer", "peer to", "pee*"):
        request = Request(parse(text), order=order, limit=9, offset=5)
        assert far.search(request) == embedded.search(request)
        assert list(far.every(request)) == list(embedded.every(request))


def test_words_longer_than_any_language_has_are_words_all_the_same(cluster: Cluster, tmp_path: Path) -> None:
    one, other = "a" * 220, "a" * 220 + "b"
    opensearch_cluster.writer(tmp_path).update(read([transcript(f"so {one} {other} {'共' * 3} x")]), [])
    index = opensearch_cluster.reader(tmp_path)
    for asked, count in ((one, 1), (f'"{one} {other}"', 1), (f"{one}*", 2), (f"{other}*", 1), ("aa*", 2), ("aab*", 0)):
        assert total(index, asked) == count


@given(st.dictionaries(st.text(st.characters(categories=["L", "N"]), min_size=1), st.lists(st.integers(0, 2**32 - 1))))
def test_places_come_out_of_a_bucket_as_they_went_in(places: dict[str, list[int]]) -> None:
    from array import array

    postings = {word: array("I", [n for number in numbers for n in (number, 7)]) for word, numbers in places.items()}
    packed = Bucket(pack_bucket(postings))
    for word, numbers in postings.items():
        assert packed.numbers(word).ravel().tolist() == numbers.tolist()
    assert not len(packed.numbers("no word"))


@given(st.text(st.characters(categories=["L", "N"]), min_size=2))
def test_a_beginning_is_kept_with_its_words(word: str) -> None:
    assert bucket(word + "zz") == bucket(word[:2] + "zzz")
    assert len(key(word).encode()) <= 200


# --- while it changes ---


def test_pages_stay_as_they_are_while_the_index_changes(cluster: Cluster, tmp_path: Path) -> None:
    writer = opensearch_cluster.writer(tmp_path)
    writer.update(read([transcript("peer " * 9, name=f"show/{n}") for n in range(3)]), [])
    index = opensearch_cluster.reader(tmp_path)
    requests = [Request(parse("peer"), limit=5, offset=offset) for offset in range(0, 30, 5)]
    before = list(map(index.search, requests))
    writer.update([passages(transcript("something else", name="show/0"), "new")], ["show/1"])
    assert list(map(index.search, requests)) == before
    assert total(opensearch_cluster.reader(tmp_path), "peer") == 9


def test_a_rebuild_is_seen_all_at_once_and_the_old_is_gone_at_the_next(library_index: OpenSearchLibraryIndex) -> None:
    library_index.refresh()
    alias = library_index.alias()
    old, index = generation(alias), library_index.index()
    library_index.refresh(rebuild=True)
    assert generation(alias) != old
    assert total(index, "the") == 2  # by one who still reads it
    library_index.refresh()
    assert generations(alias) == [generation(alias)]


def test_a_new_index_has_all_its_copies_before_anything_is_written(library_index: OpenSearchLibraryIndex) -> None:
    found = []

    def look(*_: object) -> None:
        path = f"/_cluster/health/{library_index.alias()}-*"
        found.append(opensearch_cluster.connection().call("GET", path)["status"])

    library_index.refresh(advance=look)
    assert set(found) == {"green"}


def test_a_rebuild_that_died_leaves_the_old_and_goes_at_the_next(
    library_index: OpenSearchLibraryIndex, library: Library
) -> None:
    library_index.refresh()
    writer = OpenSearchWriter(opensearch_cluster.connection(), library_index.alias())
    with pytest.raises(ZeroDivisionError):
        writer.rebuild(dies(read([transcript("half", name="show/half")])))
    assert len(generations(library_index.alias())) == 2
    assert total(library_index.index(), "the") == 2
    assert library_index.refresh().unchanged == 2
    assert len(generations(library_index.alias())) == 1


def test_a_change_that_died_is_whole_after_the_next(
    library_index: OpenSearchLibraryIndex, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    library_index.refresh()
    library.save_transcript(transcript("the garden", name="show/one"))
    with monkeypatch.context() as patched:
        patched.setattr(OpenSearchWriter, "_publish", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            library_index.refresh()
    library_index.refresh()
    index = OpenSearchLibraryIndex(library, library_index.cluster).index()
    assert [total(index, word) for word in ("the", "commons", "garden", "market")] == [2, 0, 1, 1]
    assert len(set(index.snapshot.editions_of_leaves())) == 2  # what was said before is gone


def dies(some: list[Passages]) -> Iterator[Passages]:
    yield from some
    raise ZeroDivisionError


def generations(alias: str) -> list[str]:
    return sorted(opensearch_cluster.connection().call("GET", f"/{alias}-*/_alias"))


def generation(alias: str) -> str:
    state = current(opensearch_cluster.connection(), alias)
    assert state
    return state.index


# --- a library's index ---


def test_new_changed_and_deleted_transcripts_are_seen(library_index: OpenSearchLibraryIndex, library: Library) -> None:
    assert sorted(library_index.refresh().indexed) == ["show/one", "show/two"]
    library.save_transcript(transcript("a new word", name="show/three"))
    library.save_transcript(transcript("the garden", name="show/one"))
    library.transcript_path("show/two").unlink()
    report = library_index.refresh()
    assert (sorted(report.indexed), report.removed) == (["show/one", "show/three"], ["show/two"])
    fresh = OpenSearchLibraryIndex(library, library_index.cluster).index()
    assert [total(fresh, word) for word in ("commons", "market", "garden", "new")] == [0, 0, 1, 1]
    assert library_index.refresh().unchanged == 2


def test_a_reader_sees_what_another_process_wrote(
    library_index: OpenSearchLibraryIndex, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("search.index.opensearch.library_index.LOOK_EVERY_S", 0)
    library_index.refresh()
    assert total(library_index.index(), "garden") == 0
    library.save_transcript(transcript("the garden", name="show/one"))
    OpenSearchLibraryIndex(library, library_index.cluster).refresh()
    assert total(library_index.index(), "garden") == 1


def test_a_transcript_that_went_bad_is_named_and_keeps_no_old_words(
    library_index: OpenSearchLibraryIndex, library: Library
) -> None:
    library_index.refresh()
    library.transcript_path("show/one").write_text("{")
    report = library_index.refresh()
    assert list(report.failed) == ["show/one"]
    assert [total(library_index.index(), word) for word in ("commons", "market")] == [0, 1]


def test_two_libraries_share_a_cluster(library_index: OpenSearchLibraryIndex, cluster: Cluster, tmp_path: Path) -> None:
    library_index.refresh()
    other = OpenSearchLibraryIndex(Library(tmp_path / "other"), cluster)
    with pytest.raises(IndexUnavailable, match=r"no index .* yet: `playhead index` makes it"):
        other.index()
    other.library.save_transcript(transcript("the garden"))
    other.refresh()
    assert [total(one.index(), "the") for one in (library_index, other)] == [2, 1]
    opensearch_cluster.forget(other.alias())


def test_an_index_of_another_schema_is_not_read_and_made_anew(library_index: OpenSearchLibraryIndex) -> None:
    library_index.refresh()
    state = {"made_by": {"index": "0"}, "revision": "x", "is_written": False}
    path = f"/{generation(library_index.alias())}/_doc/{STATE_ID}"
    opensearch_cluster.connection().call("PUT", path, {"state": json.dumps(state)})
    with pytest.raises(IndexUnavailable, match="another version of Playhead"):
        OpenSearchLibraryIndex(library_index.library, library_index.cluster).index()
    assert len(library_index.refresh().indexed) == 2
    assert total(OpenSearchLibraryIndex(library_index.library, library_index.cluster).index(), "the") == 2


def test_a_cluster_whose_disk_is_full_is_read_and_says_why_it_is_not_written(
    library_index: OpenSearchLibraryIndex, library: Library
) -> None:
    library_index.refresh()
    path = f"/{generation(library_index.alias())}/_settings"
    connection = opensearch_cluster.connection()
    connection.call("PUT", path, {"index.blocks.read_only_allow_delete": True})
    library.save_transcript(transcript("the garden", name="show/one"))
    with pytest.raises(IndexUnavailable, match="read-only, as it does when a disk is nearly full"):
        library_index.refresh()
    assert total(library_index.index(), "the") == 2
    connection.call("PUT", path, {"index.blocks.read_only_allow_delete": None})
    assert library_index.refresh().indexed == ["show/one"]


# --- nodes that fail ---


class Gate:
    """A way to the cluster that can be shut and opened again."""

    def __init__(self, url: str) -> None:
        host, port = url.removeprefix("http://").split(":")
        self.there = (host, int(port))
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        self.ways: list[socket.socket] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @contextlib.contextmanager
    def opened(self) -> Iterator[None]:
        gate = self

        class Way(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                with socket.create_connection(gate.there) as there, contextlib.suppress(OSError):
                    gate.ways += [self.request, there]
                    back = threading.Thread(target=pour, args=(there, self.request), daemon=True)
                    back.start()
                    pour(self.request, there)
                    back.join()

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True

        with Server(("127.0.0.1", self.port), Way) as server:
            thread = threading.Thread(target=server.serve_forever, args=(0.01,))
            thread.start()
            try:
                yield
            finally:
                server.shutdown()
                thread.join()
                for way in self.ways:
                    with contextlib.suppress(OSError):
                        way.shutdown(socket.SHUT_RDWR)


def pour(here: socket.socket, there: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := here.recv(1 << 16):
            there.sendall(data)
        there.shutdown(socket.SHUT_WR)


def test_a_cluster_that_went_and_came_back_is_searched_again(
    library_index: OpenSearchLibraryIndex, library: Library
) -> None:
    library_index.refresh()
    gate = Gate(library_index.cluster.urls[0])
    reader = OpenSearchLibraryIndex(library, Cluster.at(gate.url))
    with gate.opened():
        assert (total(reader.index(), "the"), reader.ready()) == (2, 2)
    began = time.monotonic()
    with pytest.raises(IndexUnavailable, match=f"{gate.url} is out of reach"):
        reader.index().search(Request(parse("the"), budget_s=1))
    assert time.monotonic() - began < 10  # two seconds where the machine has nothing else to do
    with pytest.raises(IndexUnavailable, match="out of reach"):
        reader.ready()
    time.sleep(REMEMBERED_S)
    with gate.opened():
        assert (total(reader.index(), "the"), reader.ready()) == (2, 2)


def test_another_node_is_asked_where_one_fails(library_index: OpenSearchLibraryIndex, library: Library) -> None:
    library_index.refresh()
    gone = Gate(library_index.cluster.urls[0]).url
    for urls in itertools.permutations([gone, *library_index.cluster.urls]):
        reader = OpenSearchLibraryIndex(library, Cluster.at(urls))
        assert [total(reader.index(), "the") for _ in range(3)] == [2, 2, 2]


def test_a_point_in_time_that_went_with_its_node_is_taken_anew(library_index: OpenSearchLibraryIndex) -> None:
    library_index.refresh()
    index = library_index.index()
    index.snapshot.close()
    assert total(index, "the") == 2


@pytest.fixture
def silent() -> Iterator[str]:
    """The URL of a server that takes connections and never answers."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


def test_a_server_that_never_answers_is_given_up(silent: str) -> None:
    connection = Connection(Cluster.at(silent))
    began = time.monotonic()
    with pytest.raises(OutOfReach, match="it took too long"):
        connection.call("GET", "/")
    assert 1 < time.monotonic() - began < 10


def test_of_many_who_ask_a_silent_cluster_only_the_first_have_to_wait(silent: str, library: Library) -> None:
    reader = OpenSearchLibraryIndex(library, Cluster.at(silent))
    reader.alias()
    refused: list[str] = []

    def ask() -> None:
        with pytest.raises(OutOfReach) as problem:
            reader.index()
        refused.append(str(problem.value))

    clients = [threading.Thread(target=ask) for _ in range(8)]
    began = time.monotonic()
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    assert refused == 8 * [f"OpenSearch at {silent} is out of reach: it took too long."]
    assert time.monotonic() - began < 12  # one after the other it would be fourteen


def test_one_question_that_takes_too_long_is_no_outage() -> None:
    breaker = CircuitBreaker()
    breaker.close()
    breaker.open(OutOfReach("it took too long"), since=time.monotonic() - 1)
    breaker.check()


def test_an_outage_is_over_as_soon_as_somebody_is_answered() -> None:
    breaker = CircuitBreaker()
    breaker.open(OutOfReach("it took too long"), since=time.monotonic() - 1)
    with pytest.raises(OutOfReach):
        breaker.check()
    breaker.close()
    breaker.check()


# --- servers that are rude ---


def error(kind: str, reason: str = "because") -> dict[str, Any]:
    return {"error": {"type": kind, "reason": reason, "root_cause": [{"type": kind, "reason": reason}]}}


def at(server: HTTPServer, **others: Any) -> Connection:
    return Connection(Cluster.at(server.url_for("").rstrip("/"), **others))


@pytest.mark.parametrize(
    ("status", "body", "line"),
    [
        (401, "Unauthorized", "did not accept the user and password, or the API key"),
        (403, error("security_exception", "no permissions for User [name=alice]"), "does not let this user do that"),
        (403, error("cluster_block_exception"), "read-only"),
        (429, error("cluster_block_exception"), "read-only"),
        (400, error("illegal_argument_exception"), "did not do it .400 illegal_argument_exception.: because"),
        (200, "<html>", "is not OpenSearch"),
    ],
)
def test_each_trouble_has_its_own_line_without_secrets(
    httpserver: HTTPServer, status: int, body: Any, line: str, caplog: pytest.LogCaptureFixture
) -> None:
    html = isinstance(body, str)
    httpserver.expect_request("/x").respond_with_data(
        body if html else json.dumps(body), status, content_type="text/html" if html else "application/json"
    )
    host = httpserver.url_for("").removeprefix("http://").rstrip("/")
    for cluster in (
        Cluster.at(f"http://alice:wonder-land@{host}"),
        Cluster.at(f"http://{host}", user="alice", password="wonder-land"),
        Cluster.at(f"http://{host}", api_key="a2V5"),
    ):
        with pytest.raises(IndexUnavailable, match=line) as raised:
            Connection(cluster).call("GET", "/x")
        for text in (str(raised.value), repr(raised.value), repr(cluster), str(cluster), caplog.text):
            assert not any(secret in text for secret in SECRETS)


def test_a_server_of_another_kind_is_not_taken_for_a_cluster_without_an_index(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/playhead-x/_doc/state").respond_with_data("no such page", 404)
    with pytest.raises(IndexUnavailable, match="is no index of Playhead's"):
        current(at(httpserver), "playhead-x")


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ({"user": "alice", "password": "wonder-land"}, "Basic YWxpY2U6d29uZGVyLWxhbmQ="),
        ({"api_key": "a2V5"}, "ApiKey a2V5"),
    ],
)
def test_user_and_password_or_the_key_are_sent(httpserver: HTTPServer, given: dict[str, str], sent: str) -> None:
    httpserver.expect_request("/", headers={"Authorization": sent}).respond_with_json({"ok": True})
    assert at(httpserver, **given).call("GET", "/") == {"ok": True}


def test_a_certificate_that_nobody_knows_is_refused_and_its_own_ca_will_do(tmp_path: Path) -> None:
    certificate, private = tmp_path / "node.pem", tmp_path / "node.key"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", private, "-out", certificate),
            *("-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"),
        ],
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, private)
    with HTTPServer(host="localhost", ssl_context=context) as server:
        server.expect_request("/").respond_with_json({"ok": True})
        with pytest.raises(IndexUnavailable, match=r"certificate .* is not to be trusted: set `ca`"):
            at(server).call("GET", "/")
        assert at(server, ca=certificate).call("GET", "/") == {"ok": True}
    with pytest.raises(IndexUnavailable, match=r"absent\.pem, is not there"):
        at(server, ca=tmp_path / "absent.pem")


class Bulk:
    """A server that takes some items of each bulk request and has no time for the others."""

    def __init__(self, *answers: Any) -> None:
        self.answers, self.taken, self.requests = list(answers), list[str](), 0

    def __call__(self, asked: CommandContext) -> Response:
        self.requests += 1
        names = [next(iter(json.loads(line).values()))["_id"] for line in asked.data.decode().splitlines()[::2]]
        answer = self.answers.pop(0) if self.answers else {}
        if isinstance(answer, int):
            return Response(json.dumps(error("rejected_execution_exception")), answer, content_type="application/json")
        self.taken += [name for name in names if name not in answer]
        items = [{"index": {"_id": name, **answer.get(name, {"status": 201})}} for name in names]
        return Response(json.dumps({"items": items}), content_type="application/json")


BUSY = {"status": 429, "error": {"type": "rejected_execution_exception", "reason": "queue full"}}
WRONG = {"status": 400, "error": {"type": "mapper_parsing_exception", "reason": "failed to parse"}}


def stores(*names: str) -> list[Action]:
    return [Action.store(Document(name, {"x": 1})) for name in names]


def test_what_a_cluster_has_no_time_for_is_sent_again_and_nothing_twice(httpserver: HTTPServer) -> None:
    bulk = Bulk(429, {"b": BUSY, "c": BUSY}, {"c": BUSY})
    httpserver.expect_request("/i/_bulk").respond_with_handler(bulk)
    send(at(httpserver), "i", stores("a", "b", "c"))
    assert (bulk.taken, bulk.requests) == (["a", "b", "c"], 4)


def test_an_item_that_will_never_do_is_named(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/i/_bulk").respond_with_handler(Bulk({"b": WRONG}))
    with pytest.raises(Refused, match="b: failed to parse"):
        send(at(httpserver), "i", stores("a", "b"))


def test_a_cluster_that_never_has_time_is_given_up(httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("search.index.opensearch.bulk.PATIENCE_S", 0.5)
    httpserver.expect_request("/i/_bulk").respond_with_handler(Bulk(*[{"b": BUSY}] * 100))
    with pytest.raises(IndexUnavailable, match="no time for 1 documents"):
        send(at(httpserver), "i", stores("a", "b"))


# --- settings ---


def test_urls_are_taken_apart_and_secrets_kept() -> None:
    cluster = Cluster.at("https://alice:wonder%2Dland@one:9200/os/, https://two:9200", shards=3)
    assert cluster.urls == ("https://one:9200/os", "https://two:9200")
    assert (cluster.user, cluster.password, cluster.shards) == ("alice", "wonder-land", 3)


@pytest.mark.parametrize("url", ["", "one:9200", "ftp://one", "http://one:many", "https://alice:wonder-land@"])
def test_what_is_no_url_is_refused_without_telling_it(url: str) -> None:
    with pytest.raises(UsageError) as raised:
        Cluster.at(url)
    assert "wonder" not in str(raised.value)


def test_a_missing_client_is_said_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opensearchpy", None)
    with pytest.raises(CannotStart, match=r"pip install 'playhead\[opensearch\]'"):
        Connection(Cluster.at("http://one:9200"))


def test_nothing_of_opensearch_is_loaded_until_it_is_asked_for() -> None:
    code = "import search.index.opensearch.library_index, sys; print('opensearchpy' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "False"
