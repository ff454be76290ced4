"""Generated requests against the API's own description: all it says of its answers is true, and nothing breaks it."""

import pytest
import schemathesis
from fastapi.routing import APIRoute
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.schemas import BaseSchema
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from search.index.library_index import LibraryIndex
from search.service import api
from search.service.app import create_app
from tests.support.conversations import transcript
from transcribe.library.episode import AudioFile, Record
from transcribe.library.store import Library

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    unsupported_method,
]
PATHS = [route.path for route in api.router.routes if isinstance(route, APIRoute) and route.include_in_schema]
CHOOSY = [path for path in PATHS if path in ("/api/search", "/api/episodes") or "{form}" in path]  # any text is an id
NAMED = {"show": "talks", "episode": "hamlet"}  # an id drawn at random is hardly ever an episode's

generated = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def described(tmp_path_factory: pytest.TempPathFactory) -> BaseSchema:
    """The API of a small library, as it describes itself."""
    library = Library(tmp_path_factory.mktemp("library"))
    spoken = transcript("to be or not to be", "that is the question", name="talks/hamlet", speakers=["Ann", None])
    library.save_transcript(spoken)
    path = library.audio / "talks" / "hamlet.wav"
    path.parent.mkdir(parents=True)
    path.write_bytes(bytes(range(256)))
    library.save_record(Record(spoken.episode, audio=AudioFile("audio/talks/hamlet.wav", "0" * 64, 256, "audio/wav")))
    LibraryIndex(library).refresh()
    return schemathesis.openapi.from_asgi("/openapi.json", create_app(library))


@pytest.mark.parametrize("path", PATHS)
@generated
@given(data=st.data())
def test_what_the_description_allows_is_answered_as_it_says(
    described: BaseSchema, path: str, data: st.DataObject
) -> None:
    data.draw(described[path]["GET"].as_strategy()).call_and_validate(checks=CHECKS)


@pytest.mark.parametrize("path", CHOOSY)
@generated
@given(data=st.data())
def test_what_the_description_forbids_is_refused_as_it_says(
    described: BaseSchema, path: str, data: st.DataObject
) -> None:
    case = data.draw(described[path]["GET"].as_strategy(generation_mode=GenerationMode.NEGATIVE))
    case.call_and_validate(checks=CHECKS)


@pytest.mark.parametrize("path", [path for path in PATHS if "{" in path])
@generated
@given(data=st.data())
def test_an_episode_that_there_is_is_told_as_described(described: BaseSchema, path: str, data: st.DataObject) -> None:
    case = data.draw(described[path]["GET"].as_strategy(path_parameters=NAMED))
    assert case.call_and_validate(checks=CHECKS).status_code == 200


@pytest.mark.parametrize("q", ["be", '"to be"', "qu*", "be that", '"be that"'])
def test_hits_are_told_as_described(described: BaseSchema, q: str) -> None:
    response = described["/api/search"]["GET"].Case(query={"q": q}).call_and_validate(checks=CHECKS)
    assert response.json()["hits"]
