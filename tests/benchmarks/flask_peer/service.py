"""Message groups and messages with Flask, boto3 and psycopg, on one DynamoDB table and the users in Postgres.

The table has the boot camp's items: `GRP#<user>` for each participant of a group, with the other's names, and
`MSG#<group>` for each message, with the sender's. The boot camp's Lambda, which moves the `GRP#` rows after a send, is
not a part of this process.

Its habits are kept: a DynamoDB client for each request (unless KEEP_CLIENT is set), a query of Postgres for the user of
a token. Two things are better than there: the key set is fetched once, and connections to Postgres are pooled.
"""

import os
import uuid
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from urllib.request import urlopen

import boto3
from flask import Flask, Response, g, jsonify, request
from jose import JWTError, jwt
from psycopg.rows import dict_row
from psycopg_pool import ConnectionPool

app = Flask(__name__)
pool = ConnectionPool(os.environ["DATABASE_URL"], min_size=1, max_size=8, open=True)
table_name = os.environ["DYNAMODB_TABLE"]
issuer = os.environ["COGNITO_ISSUER_URL"]


def make_client() -> Any:
    return boto3.client("dynamodb", endpoint_url=os.environ["DYNAMODB_ENDPOINT_URL"])


kept_client = make_client() if os.environ.get("KEEP_CLIENT") else None


def dynamodb() -> Any:
    return kept_client or make_client()


@lru_cache
def key_set() -> Any:
    with urlopen(f"{issuer}/.well-known/jwks.json") as response:  # noqa: S310  # the key server of the benchmark, over http
        return app.json.loads(response.read())


def query_object(sql: str, parameters: dict[str, str]) -> dict[str, Any] | None:
    with pool.connection() as connection, connection.cursor(row_factory=dict_row) as cursor:
        cursor.execute(sql, parameters)
        row: dict[str, Any] | None = cursor.fetchone()
        return row


@app.before_request
def authenticate() -> tuple[Response, int] | None:
    if request.path == "/api/health-check":
        return None
    token = request.headers.get("Authorization", "").removeprefix("Bearer ")
    try:
        claims = jwt.decode(token, key_set(), algorithms=["RS256"], issuer=issuer, options={"verify_aud": False})
    except JWTError:
        return jsonify({"error": "unauthorized"}), 401
    g.user_uuid = find_user(claims["sub"])
    return None


def find_user(cognito_user_id: str) -> str:
    user = query_object("SELECT uuid FROM users WHERE cognito_user_id = %(sub)s", {"sub": cognito_user_id})
    return str(user["uuid"]) if user else ""


@app.get("/api/health-check")
def health_check() -> Response:
    return jsonify({"success": True})


@app.get("/api/message_groups")
def list_message_groups() -> Response:
    found = newest_items(f"GRP#{g.user_uuid}", int(request.args.get("limit", 20)))
    return jsonify([message_group(item) for item in found])


@app.get("/api/messages/<message_group_uuid>")
def list_messages(message_group_uuid: str) -> Response:
    found = newest_items(f"MSG#{message_group_uuid}", int(request.args.get("limit", 20)))
    return jsonify([message(item) for item in reversed(found)])


@app.post("/api/messages")
def create_message() -> Response:
    body = request.get_json()
    sender = query_object(
        "SELECT uuid, display_name, handle FROM users WHERE uuid = %(uuid)s::uuid", {"uuid": g.user_uuid}
    )
    assert sender is not None
    created_at = datetime.now(UTC).isoformat()
    item = {
        "pk": {"S": f"MSG#{body['message_group_uuid']}"},
        "sk": {"S": created_at},
        "message": {"S": body["message"]},
        "message_uuid": {"S": str(uuid.uuid4())},
        "user_uuid": {"S": str(sender["uuid"])},
        "user_display_name": {"S": sender["display_name"]},
        "user_handle": {"S": sender["handle"]},
    }
    dynamodb().put_item(TableName=table_name, Item=item)
    return jsonify(message(item))


def newest_items(partition: str, limit: int) -> list[dict[str, Any]]:
    response = dynamodb().query(
        TableName=table_name,
        ScanIndexForward=False,
        Limit=limit,
        KeyConditionExpression="pk = :pk AND begins_with(sk, :year)",
        ExpressionAttributeValues={":pk": {"S": partition}, ":year": {"S": str(datetime.now(UTC).year)}},
    )
    items: list[dict[str, Any]] = response["Items"]
    return items


def message_group(item: dict[str, Any]) -> dict[str, str]:
    return {
        "uuid": item["message_group_uuid"]["S"],
        "display_name": item["user_display_name"]["S"],
        "handle": item["user_handle"]["S"],
        "message": item["message"]["S"],
        "created_at": item["sk"]["S"],
    }


def message(item: dict[str, Any]) -> dict[str, str]:
    return {
        "uuid": item["message_uuid"]["S"],
        "display_name": item["user_display_name"]["S"],
        "handle": item["user_handle"]["S"],
        "message": item["message"]["S"],
        "created_at": item["sk"]["S"],
    }
