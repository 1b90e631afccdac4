"""The definition of the DynamoDB table, for laptops, tests and operators."""

from typing import Any

from app.gateways.dynamodb.operator import open_operated_table
from app.settings import TableSettings

INDEX = "inbox-by-activity"
TTL_ATTRIBUTE = "expires_at"


async def create_table(settings: TableSettings) -> bool:
    """Create the table unless it exists, in production with point-in-time recovery; return whether it was created."""
    async with open_operated_table(settings) as table:
        return await table.create(
            table_definition(settings),
            ttl_attribute=TTL_ATTRIBUTE,
            point_in_time_recovery=settings.environment == "production",
        )


def table_definition(settings: TableSettings) -> dict[str, Any]:
    """Return the CreateTable request, with capacity units if the billing mode is PROVISIONED."""
    index = {
        "IndexName": INDEX,
        "KeySchema": _keys("inbox", "activity_bucket"),
        "Projection": {"ProjectionType": "KEYS_ONLY"},
    }
    table = {
        "TableName": settings.dynamodb_table,
        "AttributeDefinitions": _attributes(pk="S", sk="S", inbox="S", activity_bucket="N"),
        "KeySchema": _keys("pk", "sk"),
        "BillingMode": settings.dynamodb_billing_mode,
        "DeletionProtectionEnabled": settings.environment == "production",
    }
    if settings.dynamodb_billing_mode == "PROVISIONED":
        table |= _units(settings.dynamodb_read_units, settings.dynamodb_write_units)
        index |= _units(settings.dynamodb_index_read_units, settings.dynamodb_index_write_units)
    return table | {"GlobalSecondaryIndexes": [index]}


def _keys(partition: str, sort: str) -> list[dict[str, str]]:
    return [{"AttributeName": partition, "KeyType": "HASH"}, {"AttributeName": sort, "KeyType": "RANGE"}]


def _attributes(**types: str) -> list[dict[str, str]]:
    return [{"AttributeName": name, "AttributeType": kind} for name, kind in types.items()]


def _units(read: int, write: int) -> dict[str, dict[str, int]]:
    return {"ProvisionedThroughput": {"ReadCapacityUnits": read, "WriteCapacityUnits": write}}
