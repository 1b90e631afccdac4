"""Endpoints: what FastAPI does for a request of a route, worked out once from FastAPI's own description of the route.

FastAPI goes through that description at each request, which takes several times the CPU. An endpoint calls the same
dependencies in the same order, validates with the same fields and reports the same errors. Shapes that it does not
know, such as dependencies that yield, stay with FastAPI.
"""

import types
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from enum import StrEnum
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any, get_args, get_origin
from uuid import UUID

from fastapi import Request, Response
from fastapi.datastructures import DefaultPlaceholder
from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError, ResponseValidationError
from fastapi.routing import RouteContext
from starlette.datastructures import Headers

from app.http.routes import NamedRoute
from app.observability.metrics import operation

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

SCALARS = frozenset({str, int, UUID, types.NoneType})
KNOWN = frozenset({
    "path", "name", "call", "scope", "use_cache", "dependencies", "path_params", "query_params", "header_params",
    "body_params", "request_param_name", "response_param_name",
})  # fmt: skip
"""The members of FastAPI's description of a function that are taken into account."""
OPTIONS = ("include", "exclude", "exclude_unset", "exclude_defaults", "exclude_none")
"""FastAPI's options by which an answer has not all of its members."""
REQUEST, RESPONSE = 0, 1
"""The indexes of request and response among the results of calls."""
FAILED = object()
"""In place of the result of a call whose arguments are not valid."""


class UnknownShape(Exception):
    """A route that only FastAPI itself can serve."""


@dataclass(frozen=True, slots=True)
class Inputs:
    """The texts and the value that a request's parameters and body are read from."""

    parameters: Mapping[str, Mapping[str, str]]
    """Place (`path`, `query`, `header`) → name → text; names of headers in either case."""
    body: object


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter in the path, the query or a header."""

    name: str
    place: str
    alias: str
    validate: Callable[..., tuple[Any, list[Any]]]
    default: object
    is_required: bool

    @classmethod
    def of(cls, place: str, field: Any) -> "Parameter":
        """Read FastAPI's field. Raises UnknownShape unless the parameter is a scalar."""
        info = field.field_info
        if not all(map(_is_scalar, _members(info.annotation))) or info.validate_default or info.default_factory:
            raise UnknownShape
        if not isinstance(info.validation_alias, str | None):
            raise UnknownShape
        alias = field.validation_alias or field.alias
        return cls(field.name, place, alias, field.validate, field.default, info.is_required())

    def read(self, text: str | None) -> tuple[Any, list[Any]]:
        """Return the value of the text that a request has, and its errors."""
        location = (self.place, self.alias)
        if text is not None:
            return self.validate(text, loc=location)
        missing = {"type": "missing", "loc": location, "msg": "Field required", "input": None}
        return self.default, [missing] if self.is_required else []


@dataclass(frozen=True, slots=True)
class Call:
    """A dependency, or last the route's function, with the sources of its arguments."""

    function: Callable[..., Any]
    """A coroutine function."""
    sources: Sequence[tuple[str, int]]
    """The arguments that are the request, the response or the result of an earlier call, with its index."""
    required: Sequence[int]
    """The indexes of the calls that must have succeeded."""
    parameters: Sequence[Parameter]
    body: Any

    def read(self, inputs: Inputs, arguments: dict[str, Any]) -> list[Any]:
        """Add the arguments that the request has as texts and as a body. Return their errors."""
        errors = []
        for parameter in self.parameters:
            text = inputs.parameters[parameter.place].get(parameter.alias)
            arguments[parameter.name], found = parameter.read(text)
            errors += found
        if self.body:
            arguments[self.body.name], found = self.body.validate(inputs.body, loc=("body",))
            errors += found
        return errors


class Calls(list[Call]):
    """The calls of a route in FastAPI's order: dependencies first, each once."""

    def __init__(self, context: RouteContext) -> None:
        """Read FastAPI's description. Raises UnknownShape."""
        super().__init__()
        self._indexes: dict[Any, int] = {}
        self._add(context.dependant, [context.body_field] if context.body_field else [])

    def _add(self, dependant: Dependant, body_fields: Sequence[object] = ()) -> int:
        function: Any = dependant.call
        if function in self._indexes:
            if _has_parameters(dependant):
                raise UnknownShape  # FastAPI reports their errors once more
            return self._indexes[function]
        if not _is_known(dependant) or dependant.body_params != [*body_fields]:
            raise UnknownShape
        dependencies = [(dependency.name, self._add(dependency)) for dependency in dependant.dependencies]
        names = [(dependant.request_param_name, REQUEST), (dependant.response_param_name, RESPONSE), *dependencies]
        places = {"path": dependant.path_params, "query": dependant.query_params, "header": dependant.header_params}
        self.append(
            Call(
                function,
                sources=[(name, index) for name, index in names if name],
                required=[index for _, index in dependencies],
                parameters=[Parameter.of(place, field) for place, found in places.items() for field in found],
                body=body_fields[0] if body_fields else None,
            )
        )
        self._indexes[function] = RESPONSE + len(self)
        return self._indexes[function]


class Endpoint:
    """Serves the requests of one route."""

    def __init__(self, context: RouteContext) -> None:
        """Read FastAPI's description. Raises UnknownShape."""
        if not isinstance(context.original_route, NamedRoute) or not _has_plain_answer(context):
            raise UnknownShape
        self._route = context.original_route
        self._field: Any = context.response_field
        self._calls = Calls(context)

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        operation.set(self._route.name)
        scope["route"] = self._route
        admitted = await self._route.admit(scope, receive)
        response = Response()
        response.raw_headers.clear()
        body = admitted.body.value if admitted.body else None
        inputs = Inputs({"path": scope["path_params"], "query": admitted.query, "header": Headers(scope=scope)}, body)
        result = await self._result([Request(scope, receive), response], inputs)
        if not isinstance(result, Response):
            value, errors = self._field.validate(result, loc=("response",))
            if errors:
                raise ResponseValidationError(errors, body=result)
            response.body = self._field.serialize_json(value)
            length = b"%d" % len(response.body)
            response.raw_headers += [(b"content-length", length), (b"content-type", b"application/json")]
            result = response
        await result(scope, receive, send)

    async def _result(self, results: list[Any], inputs: Inputs) -> object:
        """Return what the route's function returns, given request and response. Raises RequestValidationError."""
        errors: list[Any] = []
        for call in self._calls:
            arguments = {name: results[index] for name, index in call.sources}
            found = call.read(inputs, arguments) if call.parameters or call.body else ()
            errors += found
            has_failed = found or (errors and any(results[index] is FAILED for index in call.required))
            results.append(FAILED if has_failed else await call.function(**arguments))
        if errors:
            raise RequestValidationError(errors, body=inputs.body)
        return results[-1]


def _has_plain_answer(context: RouteContext) -> bool:
    """Return whether the answer is the JSON of its type, with status 200 unless the function sets another."""
    return (
        isinstance(context.response_class, DefaultPlaceholder)
        and context.response_field is not None
        and context.status_code is None
        and context.max_body_size is None
        and context.response_model_by_alias
        and not any(getattr(context, f"response_model_{option}") for option in OPTIONS)
    )


def _is_known(dependant: Dependant) -> bool:
    others = (getattr(dependant, field.name) for field in fields(dependant) if field.name not in KNOWN)
    function = dependant.call
    is_coroutine = iscoroutinefunction(function) or iscoroutinefunction(type(function).__call__)
    return is_coroutine and dependant.use_cache and not any(others)


def _has_parameters(dependant: Dependant) -> bool:
    return bool(dependant.path_params or dependant.query_params or dependant.header_params) or any(
        map(_has_parameters, dependant.dependencies)
    )


def _is_scalar(annotation: Any) -> bool:
    """Return whether a parameter of this type has one text."""
    if get_origin(annotation) is typing.Literal:
        return all(isinstance(value, str) for value in get_args(annotation))
    return annotation in SCALARS or (isinstance(annotation, type) and issubclass(annotation, StrEnum))


def _members(annotation: Any) -> set[Any]:
    """Return the types of a union without their annotations."""
    match get_origin(annotation):
        case typing.Annotated:
            return _members(get_args(annotation)[0])
        case types.UnionType | typing.Union:
            return set().union(*map(_members, get_args(annotation)))
    return {annotation}
