"""The contract: what every index must answer. An engine that joins `ENGINES` is asked all of it."""

import gc
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from search.errors import QueryError, QueryTimeout
from search.index.contract import Answer, Filters, Index, IndexWriter, Order, Request
from search.index.matching import FEW
from search.index.passages import passages
from search.index.whoosh.index import WhooshIndex, WhooshWriter
from search.query.parser import Mode, parse, synonyms
from tests.support import many_scripts, opensearch_cluster
from tests.support.conversations import conversations, made_of, queries, transcript
from tests.support.plain_scan import scan, start_ms
from transcribe.library.transcript import Transcript, Word, segment


@dataclass(frozen=True)
class Engine:
    """A way to keep an index in a folder."""

    writer: Callable[[Path], IndexWriter]
    reader: Callable[[Path], Index]


ENGINES = {
    "whoosh": Engine(WhooshWriter, WhooshIndex),
    "opensearch": Engine(opensearch_cluster.writer, opensearch_cluster.reader),  # skipped where there is no cluster
}

MODES: tuple[Mode, ...] = ("exact", "loose")

Indexed = Callable[[Iterable[Transcript]], Index]


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> Engine:
    return ENGINES[request.param]


@pytest.fixture
def indexed(engine: Engine, tmp_path: Path) -> Indexed:
    def build(transcripts: Iterable[Transcript]) -> Index:
        engine.writer(tmp_path).update([passages(spoken, "digest") for spoken in transcripts], [])
        return engine.reader(tmp_path)

    return build


def ask(
    index: Index, text: str, mode: Mode = "exact", order: Order = "newest", limit: int = 20, **filters: Any
) -> Answer:
    return index.search(Request(parse(text, mode), Filters(**filters), order, limit))


def texts(answer: Answer) -> list[str]:
    return [hit.text for hit in answer.hits]


def test_a_phrase_is_found_across_segments_and_speakers(indexed: Indexed) -> None:
    index = indexed([transcript("and so we share", "what is common", speakers=["Ann", "Ben"])])
    (hit,) = ask(index, '"share what is"').hits
    assert hit.text == "share what is"
    assert hit.start_ms == 900
    assert hit.segments == (0, 1)
    assert hit.speaker == "Ann"


@pytest.mark.parametrize("phrase", ["to be or not to be", "plan B", "C++", "don't", "DON’T", "cafe", "peer to peer"])
def test_every_word_counts(indexed: Indexed, phrase: str) -> None:
    spoken = transcript("To be, or not", "to be: plan b in C++ or", "don’t, says the Café — peer-to-peer!")
    assert ask(indexed([spoken]), f'"{phrase}"').total == 1


def test_a_hit_begins_with_its_first_word_and_not_with_its_segment(indexed: Indexed) -> None:
    (hit,) = ask(indexed([transcript("one two three four five")]), '"four five"').hits
    assert (hit.start_ms, hit.end_ms) == (900, 1400)


def test_overlapping_occurrences_all_count(indexed: Indexed) -> None:
    assert ask(indexed([transcript("ha ha ha ha")]), '"ha ha"').total == 3


def test_words_without_quotes_must_be_said_within_30_seconds(indexed: Indexed) -> None:
    far = transcript("peer", "x " * 100, "commons", name="show/far")
    near = transcript("peer", "x " * 99, "commons", name="show/near")
    answer = ask(indexed([far, near]), "commons peer")
    assert [hit.contents.episode.id for hit in answer.hits] == ["show/near"]
    (hit,) = answer.hits
    assert [hit.text[begin:end] for begin, end in hit.marks] == ["peer", "commons"]


def test_an_excluded_word_keeps_away_what_is_said_near_it(indexed: Indexed) -> None:
    index = indexed([transcript("peer market", name="show/a"), transcript("peer commons", name="show/b")])
    assert [hit.contents.episode.id for hit in ask(index, "peer -market").hits] == ["show/b"]


def test_a_star_stands_for_any_ending(indexed: Indexed) -> None:
    assert texts(ask(indexed([transcript("produce a product, producing pro")]), "produc*")) == [
        "produce",
        "product,",
        "producing",
    ]


def test_loose_compares_stems(indexed: Indexed) -> None:
    index = indexed([transcript("he shares what we shared and happily happy sharing")])
    assert ask(index, "share").total == 0
    assert texts(ask(index, "share", "loose")) == ["shares", "shared", "sharing"]
    assert texts(ask(index, '"we share"', "loose")) == ["we shared"]


def test_chinese_and_japanese_are_found_by_any_run_of_characters(indexed: Indexed) -> None:
    index = indexed([transcript("共有地の 悲劇")])
    assert ask(index, '"有地"').total == 1
    assert ask(index, "地の悲").total == 1
    assert ask(index, "地有").total == 0


def test_filters_narrow_by_show_date_and_speaker(indexed: Indexed) -> None:
    index = indexed(
        [
            transcript("peer", name="one/a", published="2011-05-01"),
            transcript("peer", "peer", name="two/b", published="2012-02-18T10:00:00Z", speakers=["Ann", "Ben"]),
            transcript("peer", name="two/c", published=None),
        ]
    )
    assert ask(index, "peer").total == 4
    assert ask(index, "peer", show="two").total == 3
    assert ask(index, "peer", after="2012").total == 2
    assert ask(index, "peer", after="2012-02-18", before="2012-02-19").total == 2
    assert ask(index, "peer", before="2012").total == 1
    assert ask(index, "peer", speaker="Ben").total == 1


def test_facets_count_every_hit(indexed: Indexed) -> None:
    index = indexed(
        [
            transcript("peer peer", name="one/a", published="2011-05-01"),
            transcript("peer", "peer", "peer", name="two/b", published="2012-02-18", speakers=["Ann", "Ben", "Ann"]),
        ]
    )
    answer = ask(index, "peer", limit=1)
    assert answer.facets == {
        "show": [("two", 3), ("one", 2)],
        "year": [("2012", 3), ("2011", 2)],
        "speaker": [("Ann", 2), ("Ben", 1)],
    }


def test_the_newest_comes_first_unless_the_oldest_is_asked_for(indexed: Indexed) -> None:
    index = indexed([transcript("peer", name=f"show/{year}", published=f"{year}-01-01") for year in (2011, 2013, 2012)])
    assert [hit.contents.year for hit in ask(index, "peer").hits] == ["2013", "2012", "2011"]
    assert [hit.contents.year for hit in ask(index, "peer", order="oldest").hits] == ["2011", "2012", "2013"]


def test_pages_neither_repeat_nor_skip(indexed: Indexed) -> None:
    index = indexed([transcript("peer " * 7, name=f"show/e{n}") for n in range(5)])
    whole = index.search(Request(parse("peer"), limit=100)).hits
    pages = [index.search(Request(parse("peer"), limit=4, offset=at)).hits for at in range(0, 40, 4)]
    assert [hit for page in pages for hit in page] == list(whole)
    assert len(whole) == 35


def test_a_hit_shows_what_stands_around_it(indexed: Indexed) -> None:
    said = " ".join(f"w{n}" for n in range(300))
    (hit,) = ask(indexed([transcript(said)]), "w150").hits
    assert hit.before.split() == [f"w{n}" for n in range(126, 150)]
    assert hit.after.split() == [f"w{n}" for n in range(151, 175)]


def test_transcribing_again_replaces_every_word(engine: Engine, tmp_path: Path) -> None:  # fault line 40
    writer = engine.writer(tmp_path)
    writer.update(
        [passages(transcript("old words", name="show/a"), "1"), passages(transcript("kept", name="show/b"), "1")], []
    )
    writer.update([passages(transcript("new words", name="show/a"), "2")], [])
    index = engine.reader(tmp_path)
    assert [ask(index, word).total for word in ("old", "new", "words", "kept")] == [0, 1, 1, 1]
    assert len(index.contents()) == 2


def test_a_removed_transcript_has_no_hits(engine: Engine, tmp_path: Path) -> None:  # fault line 40
    writer = engine.writer(tmp_path)
    writer.update(
        [passages(transcript("gone", name="show/a"), "1"), passages(transcript("kept", name="show/b"), "1")], []
    )
    writer.update([], ["show/a"])
    assert [ask(engine.reader(tmp_path), word).total for word in ("gone", "kept")] == [0, 1]


@pytest.mark.parametrize("few", [0, FEW])  # places looked up one by one: none, and as many as ever
@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
@given(
    spoken=st.tuples(conversations("a/one"), conversations("b/two")), asked=st.lists(queries, min_size=1, max_size=6)
)
def test_the_hits_are_those_of_a_plain_scan(
    few: int,
    engine: Engine,
    tmp_path_factory: pytest.TempPathFactory,
    spoken: tuple[Transcript, ...],
    asked: list[str],
) -> None:
    folder = tmp_path_factory.mktemp("index")
    writer = engine.writer(folder)
    for one in spoken:
        writer.update([passages(one, "digest")], [])
    index = engine.reader(folder)
    for text in asked:
        query = parse(text)
        expected = sorted((one.episode.id, start_ms(one, place)) for one in spoken for place in scan(one, query))
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr("search.index.matching.FEW", few)
            answer = index.search(Request(query, limit=1000))
        assert sorted((hit.contents.episode.id, hit.start_ms) for hit in answer.hits) == expected
        assert answer.total == len(expected)


@pytest.mark.parametrize("script", many_scripts.ALL)
@settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_in_every_script_the_hits_are_those_of_a_plain_scan(
    script: str, engine: Engine, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    spoken = [data.draw(many_scripts.speeches(f"show/{name}", script)) for name in ("one", "two")]
    folder = tmp_path_factory.mktemp("index")
    engine.writer(folder).update([passages(one, "digest") for one in spoken], [])
    index = engine.reader(folder)
    for text in data.draw(st.lists(many_scripts.asked_in(script), min_size=1, max_size=6)):
        for mode in MODES:
            try:
                query = parse(text, mode)
            except QueryError:  # a mark alone, or one letter and a star
                continue
            expected = sorted((one.episode.id, start_ms(one, place)) for one in spoken for place in scan(one, query))
            answer = index.search(Request(query, limit=1000))
            assert sorted((hit.contents.episode.id, hit.start_ms) for hit in answer.hits) == expected
            assert answer.total == len(expected)


@pytest.mark.parametrize(
    ("said", "asked"),
    [
        ("ฉันดื่มน้ำทุกวัน", ["น้ำ", "ดื่มน้ำ", "ทุกวัน", "นํ้า", unicodedata.normalize("NFD", "น้ำ")]),
        ("ຂ້ອຍເວົ້າພາສາລາວ", ["ພາສາ", "ລາວ", "ເວົ້າ"]),
        ("ខ្ញុំនិយាយភាសាខ្មែរ", ["ភាសា", "ខ្មែរ", "និយាយ"]),
        ("မြန်မာစကားကောင်းတယ်", ["စကား", "ကောင်း", "ကောင်းတယ်"]),
        ("我去𠮷野家吃飯", ["𠮷野家", "𠮷", "野家吃"]),
        ("きょうはガギグです", ["ガギ", "ｶﾞｷﾞ", unicodedata.normalize("NFD", "ガギ"), "は"]),
        ("東京2020大会", ["2020", "東京２０２０", "大会"]),
    ],
)
def test_a_script_without_spaces_is_searched_from_any_character(indexed: Indexed, said: str, asked: list[str]) -> None:
    index = indexed([transcript(said)])
    assert {text: ask(index, text).total for text in asked} == dict.fromkeys(asked, 1)


def test_half_a_character_is_not_found(indexed: Indexed) -> None:
    index = indexed([transcript("ฉันดื่มน้ำ かが")])
    assert ask(index, "ด").total == 0
    assert ask(index, "か").total == 1


def test_the_pieces_that_a_recognizer_cuts_a_word_into_are_one_word(indexed: Indexed) -> None:
    bits = ["我", "用", "Play", "head", "和", "C", "+", "+", "ส", "วั", "ส", "ด", "ี"]
    words = [Word(100 * n, 100 * n + 90, bit, joined=bool(n)) for n, bit in enumerate(bits)]
    index = indexed([made_of([segment(0, words)])])
    found = {text: [(hit.start_ms, hit.text) for hit in ask(index, text).hits] for text in ("Playhead", "c++", "สวัสดี")}
    assert found == {"Playhead": [(200, "Playhead")], "c++": [(500, "C++")], "สวัสดี": [(800, "สวัสดี")]}
    assert ask(index, "用playhead和").hits[0].joined == (True, True)


def test_an_older_transcript_with_a_space_between_all_characters_is_found(indexed: Indexed) -> None:
    assert ask(indexed([transcript("ส ว ั ส ด ี ค ร ั บ")]), "สวัสดี").total == 1


def test_a_phrase_goes_on_across_what_was_not_spoken(indexed: Indexed) -> None:
    said = [("we", True), ("[applause]", False), ("share", True), ("♪", False)]
    words = [Word(100 * n, 100 * n + 90, text, spoken=spoken) for n, (text, spoken) in enumerate(said)]
    index = indexed([made_of([segment(0, words)])])
    assert texts(ask(index, '"we share"')) == ["we [applause] share"]
    assert ask(index, "applause").total == 0


def test_marks_count_code_points_behind_an_emoji(indexed: Indexed) -> None:
    (hit,) = ask(indexed([transcript("peer 👩‍💻😀 and 😀commons")]), "peer commons").hits
    assert [hit.text[begin:end] for begin, end in hit.marks] == ["peer", "😀commons"]


def test_a_longer_time_lets_words_stand_further_apart(indexed: Indexed) -> None:
    index = indexed([transcript("peer", "x " * 300, "commons")])
    assert index.search(Request(parse("peer commons"))).total == 0
    assert index.search(Request(parse("peer commons"), within_ms=100_000)).total == 1


def test_relevance_puts_the_episode_that_says_it_most_first(indexed: Indexed) -> None:
    index = indexed(
        [
            transcript("peer", name="show/once", published="2020-01-01"),
            transcript("peer peer peer", name="show/often", published="2010-01-01"),
            transcript("peer peer", name="show/twice", published="2015-01-01"),
        ]
    )
    said = [hit.contents.episode.id for hit in ask(index, "peer", order="relevance").hits]
    assert said == ["show/often"] * 3 + ["show/twice"] * 2 + ["show/once"]


def test_flagged_words_say_so_and_can_be_left_out(indexed: Indexed) -> None:
    doubtful = segment(0, [Word(0, 100, "peer"), Word(100, 200, "commons")], flags=("low_confidence",))
    sure = segment(1, [Word(200, 300, "peer"), Word(300, 400, "well")])
    index = indexed([made_of([doubtful, sure])])
    assert [hit.flags for hit in ask(index, "peer").hits] == [("low_confidence",), ()]
    clean = Filters(clean=True)
    assert [hit.start_ms for hit in index.search(Request(parse("peer"), clean)).hits] == [200]
    assert index.search(Request(parse('"commons peer"'), clean)).total == 0
    assert index.search(Request(parse('"peer well"'), clean)).total == 1


def test_a_name_is_found_however_it_was_heard(indexed: Indexed) -> None:
    table = synonyms({"Bauwens": ["bowens", "bough wens"]})
    index = indexed([transcript("Michel Bauwens says", "michel bowens says", "michel bough wens says so")])
    for asked in ('"michel bauwens says"', '"michel bowens says"', '"michel bough wens says"'):
        answer = index.search(Request(parse(asked, synonyms=table)))
        assert texts(answer) == ["Michel Bauwens says", "michel bowens says", "michel bough wens says"]
    assert index.search(Request(parse("bauwens so", synonyms=table))).total == 1
    assert index.search(Request(parse("michel -bauwens", synonyms=table), within_ms=100)).total == 3
    assert index.search(Request(parse("michel -bauwens", synonyms=table))).total == 0


def test_no_hits_names_the_unknown_word_and_the_nearest(indexed: Indexed) -> None:
    index = indexed([transcript("the commons of the world")])
    (unknown,) = ask(index, '"the comons"').unknown
    assert (unknown.word, unknown.nearest) == ("comons", ("commons",))
    assert ask(index, "wrold").unknown[0].nearest == ("world",)
    assert ask(index, '"commons the"').unknown == ()
    assert ask(index, "commons").unknown == ()


def test_loose_finds_a_korean_word_with_its_particles(indexed: Indexed) -> None:
    index = indexed([transcript("오늘 날씨가 좋고 날씨는 맑다 날개를 펴다 학교에서는")])
    assert texts(ask(index, "날씨", "loose")) == ["날씨가", "날씨는"]
    assert texts(ask(index, "날씨가", "loose")) == ["날씨가", "날씨는"]
    assert texts(ask(index, "학교", "loose")) == ["학교에서는"]
    assert ask(index, "날씨").total == 0


def test_no_hits_offers_the_forms_that_loose_finds(indexed: Indexed) -> None:
    index = indexed([transcript("오늘 날씨가 좋고 날씨가 맑고 날씨는 shares sharing")])
    assert ask(index, "날씨").unknown[0].other_forms == ("날씨가", "날씨는")
    assert ask(index, "share").unknown[0].other_forms == ("shares", "sharing")
    assert ask(index, "날개").unknown[0].other_forms == ()


def test_a_word_that_nobody_says_any_more_is_not_offered(engine: Engine, tmp_path: Path) -> None:
    writer = engine.writer(tmp_path)
    said = {"show/a": "the commons shares", "show/b": "the world and a comet"}
    writer.update([passages(transcript(text, name=name), "1") for name, text in said.items()], [])
    writer.update([passages(transcript("the word and a summit", name="show/b"), "2")], [])
    writer.update([], ["show/a"])
    index = engine.reader(tmp_path)
    offered = {word: ask(index, word).unknown[0] for word in ("comons", "wrold", "share", "sumit")}
    assert {word: one.nearest for word, one in offered.items()} == {
        "comons": (),
        "wrold": ("word",),
        "share": (),
        "sumit": ("summit",),
    }
    assert offered["share"].other_forms == ()


def test_every_hit_can_be_had(indexed: Indexed) -> None:
    index = indexed([transcript("peer " * 50, name=f"show/e{n}") for n in range(3)])
    assert len(list(index.every(Request(parse("peer"), limit=1)))) == 150


def test_hits_are_told_to_the_end_though_nobody_holds_the_index_any_more(indexed: Indexed) -> None:
    hits = indexed([transcript("peer " * 700, name=f"show/e{n}") for n in range(3)]).every(Request(parse("peer")))
    next(hits)
    gc.collect()
    assert len(list(hits)) == 2099


def test_people_who_speak_at_once_are_all_heard(indexed: Indexed) -> None:
    said = ("we", "share", "what", "is", "ours")
    ann = segment(0, [Word(1000 * n, 1000 * n + 900, text) for n, text in enumerate(said)], "Ann")
    ben = segment(1, [Word(1500, 1800, "yes"), Word(2000, 2300, "indeed")], "Ben")
    index = indexed([made_of([ann, ben])])
    assert [(hit.start_ms, hit.text, hit.speaker) for hit in ask(index, "yes").hits] == [(1500, "yes", "Ben")]
    (hit,) = ask(index, '"ours yes indeed"').hits
    assert (hit.start_ms, hit.end_ms, hit.before) == (4000, 4900, "we share what is")


def test_of_turns_without_words_the_last_one_speaks(indexed: Indexed) -> None:
    said = [("commons", "Adam"), ("—", "Zoe"), ("commons again", "Adam")]
    parts = [
        segment(n, [Word(n * 900 + m * 300, n * 900 + m * 300 + 200, word) for m, word in enumerate(text.split())], who)
        for n, (text, who) in enumerate(said)
    ]
    index = indexed([made_of(parts)])
    assert ask(index, "commons", speaker="Adam").total == 2
    assert ask(index, "commons", speaker="Zoe").total == 0


def test_a_written_word_of_very_many_words_is_found(indexed: Indexed) -> None:
    index = indexed([transcript("before " + "-".join(70_000 * ["x"]) + " after")])
    assert ask(index, '"x after"').total == 1


def test_a_query_that_takes_too_long_is_given_up(indexed: Indexed) -> None:
    index = indexed([transcript("peer commons")])
    with pytest.raises(QueryTimeout, match="1e-09 s"):
        index.search(Request(parse("peer commons"), budget_s=1e-9))
    with pytest.raises(QueryTimeout, match="1e-09 s"):
        index.every(Request(parse("peer commons"), budget_s=1e-9))
