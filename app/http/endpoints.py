"""Endpoints: what FastAPI does for a request of a route, worked out once from FastAPI's own description of the route.

FastAPI goes through that description at each request, which takes several times the CPU. An endpoint calls the same
dependencies in the same order, validates with the same fields and reports the same errors. Shapes that it does not
know, such as dependencies that yield, stay with FastAPI.
"""

import types
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any, get_args, get_origin
from uuid import UUID

from fastapi import Request, Response
from fastapi.datastructures import DefaultPlaceholder
from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError, ResponseValidationError
from fastapi.routing import RouteContext

from app.http.routes import NamedRoute
from app.metrics import operation

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

SCALARS = frozenset({str, int, UUID, types.NoneType})
KNOWN = frozenset({
    "path", "name", "call", "scope", "use_cache", "dependencies", "path_params", "query_params", "body_params",
    "request_param_name", "response_param_name",
})  # fmt: skip
"""The members of FastAPI's description of a function that are taken into account."""
FAILED = object()
"""In place of the result of a call whose arguments are not valid."""


class UnknownShape(Exception):
    """A route that only FastAPI itself can serve."""


@dataclass(frozen=True, slots=True)
class Inputs:
    """The parts of a request that arguments are made of."""

    request: Request
    response: Response
    parameters: Mapping[str, Mapping[str, str]]
    """The texts of the parameters: place (`path`, `query`) → name → text."""
    body: object


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter in the path or the query."""

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
        if not _members(info.annotation) <= SCALARS or info.validate_default or info.default_factory:
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
    results: Sequence[tuple[str | None, int]]
    """The earlier calls that it depends on, each with the name of the argument that takes the result."""
    parameters: Sequence[Parameter]
    body: Any
    request_name: str | None
    response_name: str | None

    def arguments(self, inputs: Inputs, results: Sequence[object], errors: list[Any]) -> dict[str, Any]:
        """Return the arguments. Errors of parameters and of the body are added to the list."""
        arguments = {name: results[index] for name, index in self.results if name}
        for parameter in self.parameters:
            arguments[parameter.name], found = parameter.read(inputs.parameters[parameter.place].get(parameter.alias))
            errors += found
        if self.body:
            arguments[self.body.name], found = self.body.validate(inputs.body, loc=("body",))
            errors += found
        if self.request_name:
            arguments[self.request_name] = inputs.request
        if self.response_name:
            arguments[self.response_name] = inputs.response
        return arguments

    def has_failed(self, results: Sequence[object]) -> bool:
        """Return whether a call failed that this one depends on."""
        return any(results[index] is FAILED for _, index in self.results)


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
        results = [(dependency.name, self._add(dependency)) for dependency in dependant.dependencies]
        parameters = [Parameter.of("path", field) for field in dependant.path_params]
        parameters += [Parameter.of("query", field) for field in dependant.query_params]
        body = dependant.body_params[0] if dependant.body_params else None
        self.append(
            Call(function, results, parameters, body, dependant.request_param_name, dependant.response_param_name)
        )
        self._indexes[function] = len(self) - 1
        return len(self) - 1


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
        parameters = {"path": scope["path_params"], "query": admitted.query}
        body = admitted.body.value if admitted.body else None
        result = await self._result(Inputs(Request(scope, receive), response, parameters, body))
        if isinstance(result, Response):
            await result(scope, receive, send)
        else:
            response.body = self._serialize(result)
            response.raw_headers += [
                (b"content-length", b"%d" % len(response.body)),
                (b"content-type", b"application/json"),
            ]
            await response(scope, receive, send)

    async def _result(self, inputs: Inputs) -> object:
        """Return what the route's function returns. Raises RequestValidationError."""
        results: list[object] = []
        errors: list[Any] = []
        for call in self._calls:
            count = len(errors)
            arguments = call.arguments(inputs, results, errors)
            is_valid = not errors or (len(errors) == count and not call.has_failed(results))
            results.append(await call.function(**arguments) if is_valid else FAILED)
        if errors:
            raise RequestValidationError(errors, body=inputs.body)
        return results[-1]

    def _serialize(self, result: object) -> bytes:
        """Return the JSON of the answer. Raises ResponseValidationError."""
        value, errors = self._field.validate(result, loc=("response",))
        if errors:
            raise ResponseValidationError(errors, body=result)
        content: bytes = self._field.serialize_json(value)
        return content


def _has_plain_answer(context: RouteContext) -> bool:
    """Return whether the answer is the JSON of its type, with status 200 unless the function sets another."""
    return (
        isinstance(context.response_class, DefaultPlaceholder)
        and context.response_field is not None
        and context.status_code is None
        and context.max_body_size is None
        and context.response_model_by_alias
        and not any(
            getattr(context, f"response_model_{option}")
            for option in ("include", "exclude", "exclude_unset", "exclude_defaults", "exclude_none")
        )
    )


def _is_known(dependant: Dependant) -> bool:
    others = (getattr(dependant, field.name) for field in fields(dependant) if field.name not in KNOWN)
    function = dependant.call
    is_coroutine = iscoroutinefunction(function) or iscoroutinefunction(getattr(type(function), "__call__", None))  # noqa: B004
    return is_coroutine and dependant.use_cache and not any(others)


def _has_parameters(dependant: Dependant) -> bool:
    return bool(dependant.path_params or dependant.query_params) or any(map(_has_parameters, dependant.dependencies))


def _members(annotation: Any) -> set[Any]:
    """Return the types of a union without their annotations."""
    match get_origin(annotation):
        case typing.Annotated:
            return _members(get_args(annotation)[0])
        case types.UnionType | typing.Union:
            return set().union(*map(_members, get_args(annotation)))
    return {annotation}
