"""Create the table and write the items of standard input, JSON objects of strings, one a line."""

import json
import os
import sys

import boto3

KEYS = [("pk", "HASH"), ("sk", "RANGE")]
INDEX_KEYS = [("message_group_uuid", "HASH"), ("sk", "RANGE")]


def key_schema(keys: list[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"AttributeName": name, "KeyType": kind} for name, kind in keys]


def main() -> None:
    """Create the table with the boot camp's index, and fill it."""
    units = {"ReadCapacityUnits": 5, "WriteCapacityUnits": 5}
    table = boto3.resource("dynamodb", endpoint_url=os.environ["DYNAMODB_ENDPOINT_URL"]).create_table(
        TableName=os.environ["DYNAMODB_TABLE"],
        KeySchema=key_schema(KEYS),
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in dict([*KEYS, *INDEX_KEYS])],
        ProvisionedThroughput=units,
        GlobalSecondaryIndexes=[
            {
                "IndexName": "message-group-sk-index",
                "KeySchema": key_schema(INDEX_KEYS),
                "Projection": {"ProjectionType": "ALL"},
                "ProvisionedThroughput": units,
            }
        ],
    )
    with table.batch_writer() as batch:
        for line in sys.stdin:
            batch.put_item(Item=json.loads(line))


if __name__ == "__main__":
    main()
