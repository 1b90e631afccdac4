"""An HTTP client for tests that holds every answer against the service's own OpenAPI 3.1 document.

An answer that the document does not announce is an AssertionError that names the operation, the status, the place in
the answer and what was expected there. Paths outside of the document are only free of this outside of /api: under it
everything undocumented must be a problem document.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from http import HTTPStatus
from typing import Any, Final, NoReturn, TypeAlias
from urllib.parse import quote

import httpx
from jsonschema_rs import Draft202012, Draft202012Validator, Registry, ValidationError

from scripts.bootstrap import ROOT

Document: TypeAlias = Mapping[str, Any]

URI: Final = "urn:contract"
PROBLEM: Final = "application/problem+json"
PROBLEM_POINTER: Final = "/components/schemas/Problem"
REQUEST_ID: Final = "X-Request-ID"
PROBLEM_HEADERS: Final = {401: "WWW-Authenticate", 405: "Allow", 429: "Retry-After", 503: "Retry-After"}
"""Headers that a problem of this status must have, whatever the document says."""


@cache
def committed_document() -> Document:
    """Return the document of the service, which all clients share, and so its compiled schemas."""
    document: Document = json.loads((ROOT / "app" / "openapi.json").read_text(encoding="utf-8"))
    return document


class ContractViolation(AssertionError):
    """An answer that the document does not allow."""


class ContractClient(httpx.AsyncClient):
    """httpx.AsyncClient, except that an answer against the contract raises ContractViolation.

    The body of an answer that is streamed is the reader's own affair; its head is checked.
    """

    def __init__(self, document: Document, **options: Any) -> None:
        super().__init__(**{"base_url": "http://service.test"} | options)
        self.contract = Contract.of(document)

    async def send(self, request: httpx.Request, *, stream: bool = False, **options: Any) -> httpx.Response:
        response = await super().send(request, stream=stream, **options)
        for each in (*response.history, response):
            self.contract.check(each, with_body=not stream)
        return response


@dataclass(frozen=True, slots=True)
class _Operation:
    name: str
    pointer: str
    responses: Mapping[str, Any]

    def response(self, status: int) -> str | None:
        """The key under which a status is declared: exactly, as a class, or as the default."""
        keys = (str(status), f"{status // 100}XX", "default")
        return next((key for key in keys if key in self.responses), None)


@dataclass(frozen=True, slots=True)
class _Path:
    pattern: re.Pattern[str]
    operations: Mapping[str, _Operation]

    @property
    def methods(self) -> set[str]:
        return set(self.operations)


@dataclass(eq=False)
class Contract:
    """A document, compiled: schemas when they are first needed, each once."""

    document: Document
    seen: set[tuple[str, int]] = field(default_factory=set)
    """Operations and statuses that were checked, from which follows what no test has touched."""
    _validators: dict[str, Draft202012Validator] = field(default_factory=dict)

    @classmethod
    def of(cls, document: Document) -> "Contract":
        """The one contract of this document object, however many clients use it."""
        return _CONTRACTS.setdefault(id(document), cls(document))

    def check(self, response: httpx.Response, *, with_body: bool = True) -> None:
        """Raise ContractViolation unless the document allows this answer to its request."""
        _Answer(self, response, with_body=with_body and response.request.method != "HEAD").check()

    @cached_property
    def _paths(self) -> list[_Path]:
        """Most literal first, so that /messages/counter is not taken for /messages/{uuid}."""
        templates = sorted(self.document["paths"], key=lambda template: (template.count("{"), -len(template)))
        return [_Path(_pattern(template), dict(self._operations(template))) for template in templates]

    def _operations(self, template: str) -> Iterator[tuple[str, _Operation]]:
        for method, operation in self.document["paths"][template].items():
            if method in _METHODS:
                name = operation.get("operationId", f"{method.upper()} {template}")
                pointer = f"/paths/{_escape(template)}/{method}/responses"
                yield method.upper(), _Operation(name, pointer, operation["responses"])

    def paths_of(self, path: str) -> list[_Path]:
        return [candidate for candidate in self._paths if candidate.pattern.fullmatch(path)]

    def resolved(self, pointer: str) -> tuple[str, Any]:
        """The object at a pointer, and where it really stands if a `$ref` leads elsewhere."""
        value: Any = self.document
        for part in pointer.split("/")[1:]:
            value = value[part.replace("~1", "/").replace("~0", "~")]
        return self.resolved(value["$ref"].removeprefix("#")) if "$ref" in value else (pointer, value)

    def errors(self, pointer: str, instance: Any) -> Iterator[ValidationError]:
        """Return the defects of a value by the schema at this pointer."""
        validator = self._validators.get(pointer)
        if validator is None:
            schema = {"$ref": f"{URI}#{quote(pointer, safe='/~')}"}
            validator = Draft202012Validator(schema, registry=self._registry, validate_formats=True)
            self._validators[pointer] = validator
        return iter(()) if validator.is_valid(instance) else validator.iter_errors(instance)

    @cached_property
    def _registry(self) -> Registry:
        return Registry([(URI, dict(self.document))], draft=Draft202012)


_CONTRACTS: dict[int, Contract] = {}
"""By the identity of their documents, which they keep alive and so unique."""
_METHODS = frozenset({"get", "put", "post", "delete", "options", "head", "patch", "trace"})


def _pattern(template: str) -> re.Pattern[str]:
    return re.compile("[^/]+".join(map(re.escape, re.split(r"\{[^}]*\}", template))))


def _escape(part: str) -> str:
    return part.replace("~", "~0").replace("/", "~1")


class _Answer:
    """One answer under examination."""

    def __init__(self, contract: Contract, response: httpx.Response, *, with_body: bool) -> None:
        self.contract = contract
        self.response = response
        self.with_body = with_body
        self.status = response.status_code
        self.media_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        self.name = "an undocumented operation"

    def check(self) -> None:
        request = self.response.request
        paths = self.contract.paths_of(request.url.path)
        operation = next((path.operations[request.method] for path in paths if request.method in path.operations), None)
        if operation:
            self.name = operation.name
            self._require_header(REQUEST_ID)
            self._check_documented(operation)
        elif paths or request.url.path.startswith("/api"):
            self._require_header(REQUEST_ID)
            self._check_undocumented({method for path in paths for method in path.methods})

    def _check_documented(self, operation: _Operation) -> None:
        key = operation.response(self.status)
        if key is None:
            self._fail("status", f"expected one of {', '.join(sorted(operation.responses))}")
        pointer, declared = self.contract.resolved(f"{operation.pointer}/{key}")
        for name in declared.get("headers", {}):
            self._check_header(name, f"{pointer}/headers/{_escape(name)}")
        self._check_content(f"{pointer}/content", declared.get("content", {}))
        self.contract.seen.add((operation.name, self.status))

    def _check_undocumented(self, methods: set[str]) -> None:
        if self.response.request.method == "OPTIONS" and self.response.is_success:
            return  # a browser's preflight, which no document describes
        if self.status < HTTPStatus.BAD_REQUEST:
            self._fail("status", "expected an error, as the document does not have this path and method")
        self._check_content("", {PROBLEM: {"schema": {}}}, schema=PROBLEM_POINTER)
        allowed = {method.strip() for method in self.response.headers.get("allow", "").split(",")}
        if self.status == HTTPStatus.METHOD_NOT_ALLOWED and not methods <= allowed:
            self._fail("header Allow", f"expected {', '.join(sorted(methods))}")

    def _check_header(self, name: str, pointer: str) -> None:
        pointer, header = self.contract.resolved(pointer)
        if header.get("required"):
            self._require_header(name)
        if "schema" not in header or name not in self.response.headers:
            return
        value: str | int = self.response.headers[name]
        _, schema = self.contract.resolved(f"{pointer}/schema")
        if schema.get("type") == "integer" and re.fullmatch(r"-?[0-9]+", str(value)):
            value = int(value)
        for error in self.contract.errors(f"{pointer}/schema", value):
            self._fail(f"header {name}", error.message)

    def _require_header(self, name: str) -> None:
        if not self.response.headers.get(name):
            self._fail(f"header {name}", "expected to be there")

    def _check_content(self, pointer: str, content: Mapping[str, Any], *, schema: str = "") -> None:
        if not content:
            if self.with_body and self.response.content:
                self._fail("body", "expected to be empty")
            return
        if self.media_type not in content:
            self._fail("header Content-Type", f"expected {' or '.join(content)}, not {self.media_type or 'none'}")
        media = content[self.media_type]
        if self.with_body and "schema" in media and self.media_type.endswith("json"):
            self._check_json(schema or f"{pointer}/{_escape(self.media_type)}/schema")
            if self.media_type == PROBLEM:
                self._check_problem(media.get("examples", {}))

    def _check_json(self, pointer: str) -> None:
        try:
            self.json = json.loads(self.response.content.decode(), parse_constant=_refuse_constant)
        except ValueError as error:
            self._fail("body", f"expected strict JSON: {error}")
        for defect in self.contract.errors(pointer, self.json):
            where = "".join(f"/{_escape(str(part))}" for part in defect.instance_path)
            rule = "/".join(map(str, defect.schema_path))
            self._fail(f"body at {where or 'its root'}", f"{defect.message[:500]} (rule {rule})")

    def _check_problem(self, examples: Mapping[str, Any]) -> None:
        """Check what no schema expresses: body and head agree, and the operation has this code for this status."""
        codes = [example["value"]["code"] for example in examples.values()]
        request_id = self.response.headers[REQUEST_ID]
        expected: dict[str, list[Any]] = {"status": [self.status], "instance": [request_id]}
        expected |= {"code": codes} if codes else {}
        for member, values in expected.items():
            if self.json.get(member) not in values:
                wanted = " or ".join(map(str, values))
                self._fail(f"body at /{member}", f"expected {wanted}, not {self.json.get(member)}")
        if self.status == HTTPStatus.UNPROCESSABLE_ENTITY and not self.json.get("errors"):
            self._fail("body at /errors", "expected at least one, as the status is 422")
        if self.status in PROBLEM_HEADERS:
            self._require_header(PROBLEM_HEADERS[self.status])

    def _fail(self, place: str, expectation: str) -> NoReturn:
        request = self.response.request
        answered = f"{self.name} ({request.method} {request.url.path}) answered {self.status}"
        raise ContractViolation(f"{answered}: {place}: {expectation}")


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
