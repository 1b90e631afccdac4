"""The problems of the OpenAPI document: their schemas, and the responses of each operation that are problems."""

from collections.abc import Iterable, Sequence
from http import HTTPStatus
from itertools import chain
from typing import Any, TypeAlias

from app.errors import AppError, InternalError, InvalidBody, InvalidParameter
from app.http.problems import CODES, EXAMPLE_ID, MEDIA_TYPE, TYPE_PREFIX, Problem, problem_responses

Object: TypeAlias = dict[str, Any]


def ref(name: str, kind: str = "schemas") -> Object:
    """Return a reference to a component."""
    return {"$ref": f"#/components/{kind}/{name}"}


def problem_schemas() -> Object:
    """Return the schemas of any problem, and of its members without the code, which those of operations share."""
    schema = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    defects = schema.pop("$defs")
    code = {"code": _code("Problem")}
    members = {name: member for name, member in schema["properties"].items() if name != "code"}
    return {
        "Problem": schema | {"properties": members | code},
        "ProblemCode": _enum(_errors(AppError), "All problem codes"),
        "ProblemMembers": {
            "type": "object",
            "description": "The members of every problem document, without its `code`",
            "properties": members,
            "required": [name for name in schema["required"] if name != "code"],
        },
        **defects,
    }


def describe_problems(operation: Object) -> Object:
    """Describe the responses of which a route names the codes only, and return the schemas of their problems."""
    id_, parameters = operation["operationId"], operation.get("parameters", ())
    name = "".join(word.title() for word in id_.split("_")) + "Problem"
    responses: Object = operation["responses"]
    responses |= {str(status): response for status, response in problem_responses(InternalError).items()}
    codes = {status: response[CODES] for status, response in responses.items() if CODES in response}
    for status, of_status in codes.items():
        kinds = [_errors(AppError)[code] for code in of_status]
        examples = {each.code(): {"summary": each.title, "value": _example(each, parameters)} for each in kinds}
        description = " · ".join(f"`{each.code()}` {each.title}" for each in kinds)
        content = {MEDIA_TYPE: {"schema": ref(name), "examples": examples}}
        responses[status] = {"description": description, "content": content}
    operation["responses"] = dict(sorted(responses.items()))
    own = {"type": "object", "properties": {"code": _code(name)}, "required": ["code"]}
    return {
        name: {"allOf": [ref("ProblemMembers"), own], "description": f"The reason why `{id_}` failed"},
        f"{name}Code": _enum(chain(*codes.values()), f"All problem codes of `{id_}`"),
    }


def _example(kind: type[AppError], parameters: Sequence[Object]) -> Object:
    code, detail = kind.code(), kind.title
    defect = {"code": code, "detail": detail, "pointer": kind.pointer or ""}
    if kind is InvalidParameter:
        defect = {"code": "invalid", "detail": "is not valid"}
        defect |= {"parameter": parameters[-1]["name"]} if parameters else {}
    elif kind is InvalidBody:
        defect = {"code": "missing", "detail": "is required", "pointer": "/message"}
    example = {"type": TYPE_PREFIX + code, "title": kind.title, "status": kind.status, "detail": detail, "code": code}
    errors = {"errors": [defect]} if kind.status == HTTPStatus.UNPROCESSABLE_ENTITY else {}
    return {**example, "instance": EXAMPLE_ID, **errors}


def _code(problem: str) -> Object:
    return ref(f"{problem}Code") | {"description": Problem.model_fields["code"].description}


def _enum(codes: Iterable[str], description: str) -> Object:
    """Return a closed enumeration, with names for languages in which a code is not a valid name."""
    values = sorted(codes)
    names = [code.upper().replace("-", "_") for code in values]
    return {"type": "string", "enum": values, "x-enum-varnames": names, "description": description}


def _errors(kind: type[AppError]) -> dict[str, type[AppError]]:
    """Return all kinds of an error, by code."""
    return {
        code: found
        for below in kind.__subclasses__()
        for code, found in ((below.code(), below), *_errors(below).items())
    }
