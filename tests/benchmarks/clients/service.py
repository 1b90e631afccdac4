"""A Query of 20 items by the service's client, of the kind that a second argument names, as DYNAMODB_CLIENT does."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from app.gateways.dynamodb.client import open_client
from app.settings import TableSettings
from tests.benchmarks.clients.turns import REGION, TABLE, Call, take_turns


@asynccontextmanager
async def service(address: str) -> AsyncIterator[Call]:
    settings = TableSettings(environment="test", aws_region=REGION, dynamodb_endpoint_url=address)
    kind = sys.argv[2] if len(sys.argv) > 2 else settings.dynamodb_client
    async with open_client(settings.model_copy(update={"dynamodb_client": kind})) as client:

        async def query() -> object:
            return await client.query(
                TableName=TABLE,
                KeyConditionExpression="#pk = :pk",
                ExpressionAttributeNames={"#pk": "pk"},
                ExpressionAttributeValues={":pk": {"S": "x"}},
            )

        yield query


if __name__ == "__main__":
    take_turns(service)
