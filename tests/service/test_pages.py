"""The pages, as HTML without a browser. What their scripts do is in test_player.py."""

import html
import re
import shlex
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from search.errors import QueryTimeout
from search.index.whoosh.index import WhooshIndex
from search.service import pages, templates
from search.service.app import create_app
from tests.support.conversations import made_of
from tests.support.sample_library import (
    HOSTILE,
    HOSTILE_LINK,
    HOSTILE_PICTURE,
    PART_1,
    PART_2,
    SAMPLE,
    add_chapters,
    add_episode,
    add_hostile,
    add_sample,
    index,
)
from transcribe.library.store import Library
from transcribe.library.transcript import Chapter, Word, segment

PERSON = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
ASSETS = Path(pages.__file__).parents[1] / "player"


@pytest.fixture
def library(tmp_path: Path) -> Library:
    library = Library(tmp_path / "library")
    add_sample(library)
    return library


@pytest.fixture
def client(library: Library) -> Iterator[TestClient]:
    """A person's browser; the library is indexed before its first request."""
    index(library)
    with TestClient(create_app(library), headers=PERSON) as client:
        yield client


def read(page: str) -> str:
    """The page's text as a person reads it: without tags, spaces evened."""
    body = page.partition("<body")[2]
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", body.partition(">")[2])).split())


def links(page: str) -> list[str]:
    return [html.unescape(link) for link in re.findall(r'(?:href|src|action)="([^"]*)"', page)]


# Start


def test_the_start_page_shows_what_is_in_the_archive_and_how_to_search_it(client: TestClient) -> None:
    page = client.get("/")
    assert page.status_code == 200
    text = read(page.text)
    assert "Commons Talks 2 episodes 5 min" in text
    assert "Who Owns the Well? Part 1 Commons Talks 3 March 2026 2:35" in text.replace(" · ", " ")
    assert page.text.count("<dt>") == 3


def test_the_examples_of_the_search_language_find_something_in_the_sample(client: TestClient) -> None:
    examples = re.findall(r'<dt><a href="([^"]*)"', client.get("/").text)
    assert len(examples) == 3
    for example in examples:
        assert "<mark>" in client.get(html.unescape(example)).text


def test_the_start_page_of_an_empty_archive_says_how_to_fill_it(tmp_path: Path) -> None:
    index(Library(tmp_path))
    page = TestClient(create_app(Library(tmp_path))).get("/")
    assert page.status_code == 200
    assert "playhead run" in page.text


# Search


def test_a_hit_is_shown_as_it_would_be_read(client: TestClient) -> None:
    page = client.get("/", params={"q": '"called peer to peer"'}).text
    assert "1 place" in read(page)
    assert "<mark>called peer to peer</mark>" in page
    assert "Somebody else finds a mistake. This is called peer to peer production" in read(page)
    assert "2:08" in read(page)
    assert "Robert Mason" in read(page)


def test_only_the_words_that_matched_are_marked(client: TestClient) -> None:
    page = client.get("/", params={"q": "village mountains"}).text
    assert "<mark>village</mark> in the <mark>mountains,</mark>" in page


def test_a_hit_leads_to_the_player_and_plays_at_the_exact_millisecond(client: TestClient) -> None:
    words = [word for sentence in SAMPLE[0]["sentences"] for word in sentence["words"]]
    start_ms = next(word["start_ms"] for word in words if word["text"] == "peer")
    page = client.get("/", params={"q": '"peer to peer"'}).text
    assert f'data-start-ms="{start_ms}"' in page
    assert f'data-audio="/audio/{PART_1}"' in page
    assert any(link.endswith(f"#t={start_ms / 1000:.3f}".rstrip("0")) for link in links(page))


def test_hits_of_one_episode_stand_together_under_its_title(client: TestClient) -> None:
    page = client.get("/", params={"q": "village"}).text
    assert page.count('<li class="hit">') == 4
    assert page.count("<h3>") == 2


def test_a_transcript_without_audio_has_no_play_button(client: TestClient, library: Library) -> None:
    add_episode(library, "only the words are here")
    index(library)
    page = client.get("/", params={"q": "only words"}).text
    assert "transcript only" in page
    assert "data-audio" not in page


def test_what_to_distrust_is_labelled_and_explained(client: TestClient, library: Library) -> None:
    add_episode(library, "a mumbled remark", flags=("low_confidence",))
    index(library)
    page = client.get("/", params={"q": "mumbled"}).text
    assert re.search(r'class="flag" title="[^"]+">unsure<', page)


def test_blank_fields_of_the_form_are_left_out_of_the_address(client: TestClient) -> None:
    page = client.get("/?q=water&show=&after=&before=&speaker=", follow_redirects=False)
    assert page.headers["location"] == "/?q=water"
    assert client.get("/?q=&show=").url.path == "/"


def test_filters_narrow_and_stay_in_the_form(client: TestClient, library: Library) -> None:
    add_episode(library, "a well of another kind")
    index(library)
    assert "3 places" in read(client.get("/?q=well").text)
    page = client.get("/?q=well&show=commons-talks&after=2026").text
    assert "2 places" in read(page)
    assert '<option value="commons-talks" selected>' in page
    assert 'name="after" value="2026"' in page
    assert "/?q=well&after=2026" in links(page)  # takes the show off again


def test_facets_are_links_that_narrow(client: TestClient, library: Library) -> None:
    add_episode(library, "a well of another kind")
    index(library)
    addresses = links(client.get("/?q=well").text)
    assert "/?q=well&show=other-talks" in addresses
    assert "/?q=well&after=2012&before=2013" in addresses
    for address in ("/?q=well&show=other-talks", "/?q=well&after=2012&before=2013"):
        assert "1 place" in read(client.get(address).text)


def test_many_hits_are_turned_over_like_pages(client: TestClient) -> None:
    first = client.get("/?q=the&limit=5").text
    assert "1 to 5 of" in read(first)
    assert 'rel="prev"' not in first
    assert "/?q=the&limit=5&offset=5" in links(first)
    second = client.get("/?q=the&limit=5&offset=5").text
    assert "6 to 10 of" in read(second)
    assert "/?q=the&limit=5" in links(second)
    assert first.count('class="hit"') == second.count('class="hit"') == 5


def test_a_page_beyond_the_last_hit_leads_back(client: TestClient) -> None:
    page = client.get("/?q=hammer&offset=500").text
    assert "no more than 1 place" in read(page)
    assert "/?q=hammer" in links(page)


def test_no_hits_come_with_something_else_to_try(client: TestClient) -> None:
    page = client.get("/", params={"q": '"water village"', "show": "commons-talks"})
    assert page.status_code == 200
    text = read(page.text)
    assert "Nobody says this here" in text
    assert "/?q=water+village&show=commons-talks" in links(page.text)  # the quotes off
    assert "/?q=%22water+village%22&mode=loose&show=commons-talks" in links(page.text)
    assert "/?q=%22water+village%22" in links(page.text)  # the whole archive


@pytest.mark.parametrize("asked", ['"vilage water"', "VILAGE", "“Vilage”"])
def test_a_word_that_nobody_says_comes_with_those_like_it(client: TestClient, asked: str) -> None:
    page = client.get("/", params={"q": asked}).text
    assert "Did you mean" in read(page)
    offered = re.findall(r'<a href="([^"]*)">village</a>', page)
    assert len(offered) == 1
    assert "vilage" not in offered[0].lower()
    assert "village" in client.get(html.unescape(offered[0])).text


def test_a_word_is_put_right_where_it_stands_alone() -> None:
    assert templates._corrected("art party", "art", "ant") == "ant party"
    assert templates._corrected("“Vilage”", "vilage", "village") == "“village”"


def test_of_more_places_than_are_shown_all_are_counted(library: Library) -> None:
    name = add_episode(library, "tide " * (pages.HITS_IN_EPISODE + 100))
    index(library)
    with TestClient(create_app(library), headers=PERSON) as client:
        text = read(client.get(f"/episodes/{name}?q=tide").text)
    assert "300 places with tide , the first 200 shown" in text


def test_a_search_that_takes_too_long_is_given_up_with_a_page(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def give_up(*_: object) -> None:
        raise QueryTimeout("This takes too long.")

    monkeypatch.setattr(WhooshIndex, "search", give_up)
    page = client.get("/?q=water")
    assert page.status_code == 503
    assert "This takes too long." in page.text
    assert client.get(f"/episodes/{PART_1}?q=water").status_code == 200  # its hits are an extra


def test_everything_that_was_asked_stays_from_page_to_page(client: TestClient) -> None:
    asked = "q=the&mode=loose&show=commons-talks&after=2026&before=2027&speaker=Robert+Mason"
    asked += "&flags=clean&within=20&sort=oldest&limit=2"
    page = client.get(f"/?{asked}").text
    assert f"/?{asked}&offset=2" in links(page)
    assert f"/api/search.csv?{asked}" in links(page)
    assert 'type="hidden" name="within" value="20"' in page


@pytest.mark.parametrize(
    ("asked", "told"),
    [("-water", "only what to leave out"), ("w*", "2 letters"), (" ".join(map(str, range(33))), "33 words")],
)
def test_what_cannot_be_searched_is_said_on_the_search_page(client: TestClient, asked: str, told: str) -> None:
    page = client.get("/", params={"q": asked})
    assert page.status_code == 400
    assert told in read(page.text)
    assert f'name="q" value="{asked}"' in page.text


@pytest.mark.parametrize("query", ["limit=-1", "offset=x", "after=yesterday", "mode=wild", "q=a&q=b"])
def test_an_address_that_makes_no_sense_is_refused_with_a_page(client: TestClient, query: str) -> None:
    page = client.get(f"/?q=water&{query}")
    assert page.status_code == 422
    assert "<h1>This address cannot be read</h1>" in page.text


# Errors


def test_a_missing_index_is_told_with_what_makes_it(library: Library) -> None:  # fault 58
    for path in ("/", "/?q=water", "/episodes"):
        page = TestClient(create_app(library), headers=PERSON).get(path)
        assert page.status_code == 503
        assert "playhead index" in page.text
        assert "playhead run" in page.text
        assert str(library.root) not in page.text


def test_without_an_index_episodes_can_still_be_read(library: Library) -> None:
    page = TestClient(create_app(library), headers=PERSON).get(f"/episodes/{PART_1}?q=water")
    assert page.status_code == 200
    assert "Nobody was ever sent away." in read(page.text)


@pytest.mark.parametrize(
    "path",
    [
        "/nothing",
        "/episodes/commons-talks/nothing",
        "/episodes/a/%2e%2e",
        "/episodes/a/%00",
        f"/episodes/a/{'b' * 5000}",
    ],
)
def test_a_person_who_is_lost_gets_a_page_that_leads_on(client: TestClient, path: str) -> None:  # fault 52
    page = client.get(path)
    assert page.status_code == 404
    assert page.headers["content-type"].startswith("text/html")
    assert "/episodes" in links(page.text)


def test_programs_are_told_errors_as_before(client: TestClient) -> None:
    for path, accept in (
        ("/nothing", "*/*"),
        ("/api/nothing", PERSON["Accept"]),
        (f"/audio/{PART_1}x", PERSON["Accept"]),
    ):
        answer = client.get(path, headers={"Accept": accept})
        assert answer.status_code == 404
        assert answer.headers["content-type"] == "application/problem+json"


def test_a_damaged_transcript_is_told_without_its_path(client: TestClient, library: Library) -> None:
    library.transcript_path(PART_1).write_text("{")
    page = client.get(f"/episodes/{PART_1}")
    assert page.status_code == 500
    assert "cannot be read" in page.text
    assert str(library.root) not in page.text


# Episodes


def test_episodes_are_listed_newest_first_and_by_show(client: TestClient, library: Library) -> None:
    add_episode(library, "something", title="An Old Talk")
    index(library)
    titles = re.findall(r'dir="auto">([^<]*)</a>\s*<p class="about">', client.get("/episodes").text)
    assert titles == ["Who Owns the Well? Part 2", "Who Owns the Well? Part 1", "An Old Talk"]
    one_show = client.get("/episodes?show=other-talks").text
    assert '<h1 dir="auto">Other Talks</h1>' in one_show
    assert "Who Owns" not in one_show


def test_more_episodes_than_a_page_holds_are_turned_over(
    client: TestClient, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "EPISODES_A_PAGE", 1)
    assert "/episodes?show=commons-talks&offset=1" in links(client.get("/episodes?show=commons-talks").text)
    assert "/episodes?offset=0" in links(client.get("/episodes?offset=1").text)


# Player


def test_the_player_page_has_every_word_with_its_time_and_who_says_it(client: TestClient) -> None:
    page = client.get(f"/episodes/{PART_1}").text
    text = read(page)
    for sentence in SAMPLE[0]["sentences"]:
        assert sentence["text"] in text
    assert 'id="t=119.803"' in page  # where a link leads even without scripts
    assert 'href="#t=119.803">1:59</a>' in page
    assert text.count("Susan Fisher") > 5
    assert f'<audio controls preload="metadata" src="/audio/{PART_1}">' in page


def test_chapters_part_the_transcript_and_come_with_the_episode(client: TestClient, library: Library) -> None:
    told = [Chapter(0, "Welcome"), Chapter(60_000, HOSTILE, HOSTILE_LINK), Chapter(10_000_000, "Never said")]
    add_chapters(library, PART_1, *told)
    page = client.get(f"/episodes/{PART_1}").text
    shown = read(page)
    assert shown.index("0:00 Welcome") < shown.index(SAMPLE[0]["sentences"][0]["text"]) < shown.index(f"1:00 {HOSTILE}")
    assert HOSTILE not in page
    assert HOSTILE_LINK not in links(page)
    chapters = client.get(f"/api/episodes/{PART_1}").json()["chapters"]
    assert chapters == [{"start_ms": each.start_ms, "title": each.title} for each in told]


def test_everything_the_player_page_offers_can_be_had(client: TestClient) -> None:
    offered = [link for link in links(client.get(f"/episodes/{PART_1}").text) if link.startswith("/")]
    assert f"/api/episodes/{PART_1}/transcript.podcast.json" in offered
    for link in offered:
        assert client.get(link).status_code == 200


@pytest.mark.parametrize(
    ("t", "source"), [("75.25", "#t=75.25"), ("1:15,80", "#t=75"), ("NaN", ""), ("-5", ""), ("1e99", "")]
)
def test_a_time_in_the_query_starts_the_audio_there_without_scripts(client: TestClient, t: str, source: str) -> None:
    assert f'src="/audio/{PART_2}{source}"' in client.get(f"/episodes/{PART_2}", params={"t": t}).text  # fault 60


def test_the_words_that_led_to_a_transcript_are_listed_with_their_times(client: TestClient) -> None:
    page = client.get(f"/episodes/{PART_2}", params={"q": '"the neighbors build"', "mode": "loose"}).text
    assert "1 place with" in read(page)
    assert re.search(r'class="time" href="#t=[\d.]+" data-start-ms="\d+" data-end-ms="\d+">0:4\d</a>', page)
    assert "0 places" not in read(client.get(f"/episodes/{PART_2}?q=-nothing").text)


def test_without_its_audio_an_episode_is_its_transcript_and_a_notice(client: TestClient, library: Library) -> None:
    name = add_episode(library, "nothing but words", enclosure="https://example.org/talk.mp3")
    page = client.get(f"/episodes/{name}").text  # fault 60
    assert "audio of this episode is not in this library" in read(page)
    assert "https://example.org/talk.mp3" in links(page)
    assert "<audio" not in page
    assert "nothing but words" in page


def test_audio_that_has_gone_missing_leaves_the_transcript(client: TestClient, library: Library) -> None:
    (library.audio / f"{PART_1}.mp3").unlink()
    page = client.get(f"/episodes/{PART_1}")
    assert page.status_code == 200
    assert "<audio" not in page.text


def test_sounds_and_doubts_are_seen_within_a_paragraph(client: TestClient, library: Library) -> None:
    words = Word(0, 100, "Thanks."), Word(100, 200, "[Applause]", spoken=False), Word(200, 300, "Bye.")
    doubted = segment(1, [Word(300, 400, "Mumble.")], flags=("low_confidence",))
    again = segment(2, [Word(400, 500, "Mumble?")], flags=("low_confidence",))
    library.save_transcript(made_of([segment(0, words), doubted, again]))
    page = client.get("/episodes/show/episode").text
    assert page.count('class="paragraph"') == 1
    assert 'Thanks. <i class="sound">[Applause]</i> Bye.</span>' in page
    assert page.count("doubtful") == 2
    assert page.count(">unsure<") == 1  # after both
    assert "Thanks. [Applause] Bye. Mumble. Mumble? unsure" in read(page)


def test_a_flag_on_every_segment_is_said_once(client: TestClient, library: Library) -> None:
    name = add_episode(library, "word " * 40, flags=("interpolated",))
    page = client.get(f"/episodes/{name}").text
    assert page.count("times estimated") == 1


def test_silence_has_a_page(client: TestClient, library: Library) -> None:
    name = add_episode(library, "", seconds=1)
    assert "The recognizer found no words" in client.get(f"/episodes/{name}").text


# Hostile text: fault 59


def test_hostile_text_stays_text_on_every_page(client: TestClient, library: Library) -> None:
    name = add_hostile(library)
    index(library)
    for path in ("/", "/?q=aloud", "/episodes", f"/episodes/{name}?q=aloud"):
        page = client.get(path).text
        assert HOSTILE in read_text(page)
        assert "<script>" not in page
        assert "<img src=x" not in page
        assert not [link for link in links(page) if link.lower().lstrip().startswith("javascript:")]


def read_text(page: str) -> str:
    """The page with its own tags taken off, but not those that were escaped."""
    return html.unescape(re.sub(r"<[^>]*>", "", page))


@pytest.mark.parametrize(
    "asked", [HOSTILE, HOSTILE_PICTURE, HOSTILE_LINK, '"><svg onload=alert(3)>', "'\" autofocus onfocus=x"]
)
def test_a_hostile_query_is_shown_as_it_was_asked(client: TestClient, asked: str) -> None:
    page = client.get("/", params={"q": asked})
    assert page.status_code == 200
    assert f'name="q" value="{html.escape(asked).replace("&quot;", "&#34;").replace("&#x27;", "&#39;")}"' in page.text
    assert "<svg onload" not in page.text


def test_text_that_is_no_valid_unicode_is_still_served(client: TestClient, library: Library) -> None:  # fault 49
    name = add_episode(library, "half a character")
    path = library.transcript_path(name)
    path.write_text(path.read_text().replace("Another Talk", "\\ud800 and \\u202e"))
    index(library)
    page = client.get(f"/episodes/{name}")
    assert page.status_code == 200
    assert "? and" in page.content.decode("utf-8")
    assert client.get("/?q=%ed%a0%80%00+half").status_code == 200


def test_no_template_has_a_script_or_style_within() -> None:
    for template in (ASSETS / "templates").glob("*.html"):
        text = template.read_text()
        assert not re.search(r"<script(?![^>]* src=)|<style|\sstyle=|\son[a-z]+=|javascript:", text), template.name


# Assets, API description, search box


def test_pages_use_only_files_that_are_there_and_asked_for_afresh(client: TestClient) -> None:
    styles = (ASSETS / "static/playhead.css").read_text()
    scripts = "".join(path.read_text() for path in (ASSETS / "static").glob("*.js"))
    used = set(re.findall(r"url\(([^)]+)\)", styles)) | set(re.findall(r'from "\./([^"]+)"', scripts))
    pages_ = [client.get(path).text for path in ("/", "/?q=water", f"/episodes/{PART_1}", "/docs")]
    used |= {link.removeprefix("/static/") for page in pages_ for link in links(page) if link.startswith("/static/")}
    assert len(used) > 10
    for name in used:
        answer = client.get(f"/static/{name}")
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "no-cache"
        again = client.get(f"/static/{name}", headers={"If-None-Match": answer.headers["etag"]})
        assert again.status_code == 304


def test_every_asset_is_of_a_type_that_browsers_take(client: TestClient) -> None:
    types = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
    for path in (ASSETS / "static").iterdir():
        told = client.get(f"/static/{path.name}").headers["content-type"].replace("application/j", "text/j")
        assert told.startswith(types[path.suffix])


def test_the_api_is_described_with_examples_that_work(client: TestClient) -> None:
    page = client.get("/docs").text
    described = re.findall(r"<h2><code>([^<]*)</code>", page)
    assert set(client.get("/openapi.json").json()["paths"]) <= set(described)
    examples = [shlex.split(html.unescape(line)) for line in re.findall(r"<code>(curl [^<\n]*)", page)]
    assert len(examples) == len(described) - 1  # the player's is not for curl
    for example in examples:
        assert client.get(example[-1]).status_code == 200


def test_the_api_is_described_where_there_is_no_index_yet(library: Library) -> None:
    assert TestClient(create_app(library)).get("/docs").status_code == 200


def test_browsers_can_search_from_their_address_bar(client: TestClient) -> None:
    answer = client.get("/opensearch.xml", headers={"Host": "pod.example:8000"})
    assert answer.headers["content-type"] == "application/opensearchdescription+xml"
    name = "{http://a9.com/-/spec/opensearch/1.1/}"
    addresses = [url.get("template") for url in ET.fromstring(answer.text).iter(f"{name}Url")]
    assert addresses[0] == "http://pod.example:8000/?q={searchTerms}"
    assert "/opensearch.xml" in links(client.get("/").text)
