"""The document is the routes', complete, and served as it is committed."""

import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from fastapi import FastAPI

from app.cli.openapi.document import openapi_document
from app.errors import AppError
from app.http.openapi import FILE
from app.http.problems import MAX_ERRORS
from app.http.routes import NamedRoute
from app.http.types import ResponseModel
from tests.fixtures.app import Person, Service
from tests.tools.contract import Contract, ContractClient

DOCUMENT: dict[str, Any] = json.loads(FILE.read_bytes())
SCHEMAS: dict[str, Any] = DOCUMENT["components"]["schemas"]
OPERATIONS = [operation for path in DOCUMENT["paths"].values() for operation in path.values()]

each_operation = pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation["operationId"])


def members() -> Iterator[tuple[str, Any]]:
    """Every member of every object, with its name."""
    for name, schema in SCHEMAS.items():
        for member, described in schema.get("properties", {}).items():
            yield f"{name}.{member}", described


def success(operation: dict[str, Any]) -> dict[str, Any]:
    """The answer when all is well."""
    (answer,) = (answer for status, answer in operation["responses"].items() if status < "300")
    return answer  # type: ignore[no-any-return]


def codes_of(operation: dict[str, Any]) -> set[str]:
    name = "".join(word.title() for word in operation["operationId"].split("_"))
    return set(SCHEMAS[f"{name}ProblemCode"]["enum"])


def test_it_is_what_the_routes_say(service: Service) -> None:
    text = json.dumps(openapi_document(service.app), indent=2, ensure_ascii=False) + "\n"
    assert FILE.read_text(encoding="utf-8") == text, "scripts/cruddur openapi --output app/openapi.json writes it anew"


async def test_it_is_served_byte_for_byte(anonymous: ContractClient) -> None:
    answer = await anonymous.get("/openapi.json")
    assert answer.content == FILE.read_bytes()
    assert answer.headers["content-type"] == "application/json"
    again = await anonymous.get("/openapi.json", headers={"if-none-match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert (await anonymous.get("/openapi.json", headers={"if-none-match": '"other"'})).status_code == 200


def test_version_and_names() -> None:
    assert DOCUMENT["openapi"] == "3.1.0"
    assert len({operation["operationId"] for operation in OPERATIONS}) == len(OPERATIONS)
    members = [member for schema in SCHEMAS.values() for member in (schema, *schema.get("properties", {}).values())]
    assert not [member for member in members if isinstance(member.get("title"), str)], "a title that repeats a name"


@each_operation
def test_an_operation_is_complete(operation: dict[str, Any]) -> None:
    assert len(operation["tags"]) == 1
    assert operation["summary"] != operation["operationId"].replace("_", " ").title()
    assert operation["description"]
    assert success(operation)
    assert "500" in operation["responses"]
    assert "security" in operation
    for parameter in operation.get("parameters", ()):
        assert parameter["description"]
        assert parameter["schema"].get("examples") or "default" in parameter["schema"], parameter["name"]


@each_operation
def test_an_answer_is_complete(operation: dict[str, Any]) -> None:
    for status, answer in operation["responses"].items():
        assert answer["description"] != "Successful Response"
        assert "X-Request-ID" in answer["headers"]
        content = answer.get("content", {})
        assert all("schema" in media for media in content.values())
        if "application/problem+json" in content:
            assert ("Retry-After" in answer["headers"]) == (status in ("429", "503"))
            assert ("WWW-Authenticate" in answer["headers"]) == (status == "401")


@each_operation
def test_the_codes_of_an_operation_are_those_of_its_examples(operation: dict[str, Any]) -> None:
    named = set()
    for status, answer in operation["responses"].items():
        for code, example in answer.get("content", {}).get("application/problem+json", {}).get("examples", {}).items():
            assert (example["value"]["code"], str(example["value"]["status"])) == (code, status)
            named.add(code)
    assert named == codes_of(operation)


def test_every_code_of_the_service_is_in_the_document() -> None:
    def codes(kind: type[AppError]) -> set[str]:
        return {code for below in kind.__subclasses__() for code in (below.code(), *codes(below))}

    assert set(SCHEMAS["ProblemCode"]["enum"]) == codes(AppError)


def test_lists_say_how_to_page() -> None:
    """One that takes a page's size leads to the neighbouring pages; any other is whole, and says so."""
    for operation in OPERATIONS:
        for content in success(operation).get("content", {}).values():
            if content["schema"].get("type") == "array":
                parameters = {parameter["name"] for parameter in operation.get("parameters", ())}
                assert content["schema"]["maxItems"] <= 100
                assert ("Link" in success(operation)["headers"]) == ("limit" in parameters)
                assert "limit" in parameters or "no pages" in operation["description"]


def test_creates_lead_to_what_can_be_done_next() -> None:
    names = {operation["operationId"] for operation in OPERATIONS}
    for path in DOCUMENT["paths"].values():
        if "post" in path:
            links = success(path["post"])["links"]
            assert links
            assert {link["operationId"] for link in links.values()} <= names


def test_each_kind_of_event_has_its_name_and_an_example() -> None:
    stream = success(DOCUMENT["paths"]["/api/events"]["get"])["content"]["text/event-stream"]
    assert stream["schema"] == {"$ref": "#/components/schemas/EventView"}
    kinds = SCHEMAS["EventView"]["discriminator"]["mapping"]
    assert kinds == {kind: f"#/components/schemas/{kind.title()}Event" for kind in kinds}
    assert [{"$ref": kinds[kind]} for kind in stream["examples"]] == SCHEMAS["EventView"]["oneOf"]
    for kind, example in stream["examples"].items():
        assert example["summary"]
        assert not [*Contract.of(DOCUMENT).errors(kinds[kind].removeprefix("#"), example["value"])]
        assert SCHEMAS[f"{kind.title()}Event"]["properties"]["type"]["enum"] == [kind] == [example["value"]["type"]]


def test_a_parameter_is_left_out_and_never_null() -> None:
    for operation in OPERATIONS:
        assert '"null"' not in json.dumps(operation.get("parameters", ()))


@pytest.mark.parametrize(("name", "member"), [*members()], ids=lambda value: value if isinstance(value, str) else "")
def test_a_member_is_described(name: str, member: dict[str, Any]) -> None:
    if name.endswith("Problem.code"):
        return
    assert member["description"], name
    assert member.keys() & {"examples", "$ref", "items", "enum"}, name
    kinds = member.get("type", ())
    if "string" in kinds:
        assert member.keys() & {"maxLength", "enum"}, name
    if "integer" in kinds or "number" in kinds:
        assert {"minimum", "maximum"} <= member.keys(), name
    if "array" in kinds:
        assert "maxItems" in member, name


@pytest.mark.parametrize("name", [name for name in SCHEMAS if name.endswith("View") and "oneOf" not in SCHEMAS[name]])
def test_an_answer_has_no_optional_member(name: str) -> None:
    assert set(SCHEMAS[name]["required"]) == set(SCHEMAS[name]["properties"])


@pytest.mark.parametrize("name", [name for name in SCHEMAS if name.endswith(("Create", "Update"))])
def test_a_request_takes_neither_null_nor_unknown_members(name: str) -> None:
    assert SCHEMAS[name]["additionalProperties"] is False
    assert '"null"' not in json.dumps(SCHEMAS[name])


class ThingHappened(ResponseModel):
    """An event."""

    number: int


def test_what_later_routes_may_have_is_no_obstacle() -> None:
    """A route without an answer's body, and one that is documented with one line."""
    app = FastAPI(openapi_url=None)
    app.router.route_class = NamedRoute

    @app.delete("/things", tags=["things"], status_code=204)
    async def remove_thing() -> None:
        """Remove a thing."""

    @app.get("/things", tags=["things"])
    async def get_thing() -> ThingHappened:
        """The thing."""
        return ThingHappened(number=1)

    things = openapi_document(app)["paths"]["/things"]
    assert things["delete"]["summary"] == things["delete"]["responses"]["204"]["description"] == "Remove a thing"
    assert list(things["delete"]["responses"]) == ["204", "500"]
    assert things["delete"]["description"] == "Remove a thing."


def test_a_stream_of_events_is_described_in_words_of_this_version() -> None:
    media = DOCUMENT["paths"]["/api/events"]["get"]["responses"]["200"]["content"]
    assert media.keys() == {"text/event-stream"}
    assert media["text/event-stream"]["schema"] == {"$ref": "#/components/schemas/EventView"}


async def test_null_is_refused_as_the_document_says(ann: Person, bob: Person) -> None:
    answer = await ann.send("x", bob, uuid=None)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid-body")
    assert answer.json()["errors"] == [{"code": "invalid", "detail": "is not valid", "pointer": "/uuid"}]


async def test_a_problem_names_no_more_defects_than_the_document_says(ann: Person) -> None:
    groups = {str(uuid4()): {"number": "x"} for _ in range(MAX_ERRORS + 1)}
    answer = await ann.client.post("/api/sync", json={"groups": groups})
    assert (answer.status_code, len(answer.json()["errors"])) == (422, MAX_ERRORS)
