"""The boot camp's table, as its schema makes it."""

from typing import Any

from app.gateways.dynamodb.operator import OperatedTable


async def create_old_table(table: OperatedTable) -> None:
    """Create the table with its index."""
    client: Any = table._client  # noqa: SLF001  # the service creates no such table
    units = {"ReadCapacityUnits": 5, "WriteCapacityUnits": 5}
    sort = {"AttributeName": "sk", "KeyType": "RANGE"}
    index = {
        "IndexName": "message-group-sk-index",
        "KeySchema": [{"AttributeName": "message_group_uuid", "KeyType": "HASH"}, sort],
        "Projection": {"ProjectionType": "ALL"},
        "ProvisionedThroughput": units,
    }
    names = ("message_group_uuid", "pk", "sk")
    await client.create_table(
        TableName=table.name,
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in names],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, sort],
        ProvisionedThroughput=units,
        GlobalSecondaryIndexes=[index],
    )
