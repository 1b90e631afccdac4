"""An emulator of AWS for tests, over real HTTP: moto, with a back door for what its API does not offer.

    python -m tests.tools.aws_emulator PORT

    POST /emulator/users    {"pool": …, "users": [{attribute: value, …}, …]}    quick; only with the sub that is given
    POST /emulator/fault    {"operation": …, "code": …, "times": …}             the next calls of it are refused so
    POST /emulator/metrics  {"table": …, "index": …, "metric": …, "values": […], "start": …, "step": …}
    GET  /emulator/calls    how often each operation was called

What no emulator can show: real permissions, throttles at real rates, how long AWS works on a change of a table, that
UpdateTable refuses units which are as they were, units that really bound what a table takes, alarms that really move
them, metrics that arrive minutes late, and ListUsers refusing AttributesToGet.
"""

import json
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any, Final
from urllib.parse import parse_qs

from moto.cloudwatch.models import cloudwatch_backends
from moto.cognitoidp.models import CognitoIdpUser, cognitoidp_backends
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import run_simple

ACCOUNT: Final = "123456789012"
REGION: Final = "us-east-1"


class Emulator:
    """moto's WSGI application behind the back door."""

    def __init__(self) -> None:
        self.moto = DomainDispatcherApplication(create_backend_app)
        self.calls: Counter[str] = Counter()
        self.faults: dict[str, list[str]] = {}
        self.doors: Mapping[str, Callable[[Any], Any]] = {
            "/emulator/users": add_users,
            "/emulator/metrics": add_metrics,
            "/emulator/fault": self.add_fault,
            "/emulator/calls": lambda _: self.calls,
        }

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = BytesIO(body)
        if door := self.doors.get(environ["PATH_INFO"]):
            return _answer(start_response, door(json.loads(body or "null")))
        operation = _operation(environ, body)
        self.calls[operation] += 1
        if codes := self.faults.get(operation):
            return _refuse(start_response, codes.pop(0), is_json="HTTP_X_AMZ_TARGET" in environ)
        return self.moto(environ, start_response)  # type: ignore[no-any-return]

    def add_fault(self, asked: Any) -> None:
        self.faults[asked["operation"]] = [asked["code"]] * asked["times"]


def add_users(asked: Any) -> int:
    """Put accounts into the pool as they are: with or without a `sub`, `disabled` or not, in any `status`."""
    pool = cognitoidp_backends[ACCOUNT][REGION].user_pools[asked["pool"]]
    for attributes in asked["users"]:
        user = CognitoIdpUser(asked["pool"], None, None, attributes.pop("status", "CONFIRMED"), [])
        user.enabled = not attributes.pop("disabled", "")
        user.attributes = [{"Name": name, "Value": value} for name, value in attributes.items()]
        user.attribute_lookup = attributes
        pool.users[user.id] = user
    return len(pool.users)


def add_metrics(asked: Any) -> int:
    """Put the metrics of DynamoDB into CloudWatch, whose API refuses its namespace to clients."""
    dimensions = {"TableName": asked["table"]} | (
        {"GlobalSecondaryIndexName": asked["index"]} if asked["index"] else {}
    )
    start = datetime.fromisoformat(asked["start"]).astimezone(UTC).replace(tzinfo=None)  # as moto has them
    data = [
        {
            "MetricName": asked["metric"],
            "Dimensions": [{"Name": name, "Value": text} for name, text in dimensions.items()],
            "Timestamp": start + timedelta(seconds=at * asked["step"]),
            "Value": value,
        }
        for at, value in enumerate(asked["values"])
    ]
    cloudwatch_backends[ACCOUNT][REGION].put_metric_data("AWS/DynamoDB", data)
    return len(data)


def _operation(environ: Mapping[str, Any], body: bytes) -> str:
    """Return the called operation, from the header of AWS's JSON protocols or the form of its query protocol."""
    target = environ.get("HTTP_X_AMZ_TARGET", "")
    return target.rpartition(".")[2] or next(iter(parse_qs(body.decode(errors="replace")).get("Action", [""])))


def _answer(start_response: Callable[..., Any], value: Any) -> list[bytes]:
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps(value).encode()]


def _refuse(start_response: Callable[..., Any], code: str, *, is_json: bool) -> list[bytes]:
    """Return an error in the form of AWS's JSON protocols or of its query protocol."""
    message = f"told to answer {code}"
    in_json = json.dumps({"__type": code, "message": message})
    in_xml = f"<ErrorResponse><Error><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>"
    start_response("400 Bad Request", [("Content-Type", "application/x-amz-json-1.1" if is_json else "text/xml")])
    return [(in_json if is_json else in_xml).encode()]


if __name__ == "__main__":
    run_simple("127.0.0.1", int(sys.argv[1]), Emulator(), threaded=True)
