"""The table's definition: as data, and as an engine understands it."""

from uuid import uuid4

import pytest

from app.settings import Settings
from migrations.dynamodb_table import create_table, table_definition


def settings(**changes: object) -> Settings:
    given: dict[str, object] = {
        "environment": "test",
        "database_url": "postgresql://nobody@127.0.0.1/nothing?sslmode=require",
        "dynamodb_table": f"test-{uuid4()}",
        "cognito_issuer_url": "https://issuer.example",
        "cognito_client_ids": "local",
    }
    return Settings.model_validate(given | changes)


def test_provisioned_units_are_stated_for_the_table_and_for_the_index() -> None:
    definition = table_definition(
        settings(
            dynamodb_billing_mode="PROVISIONED",
            dynamodb_read_units=1,
            dynamodb_write_units=2,
            dynamodb_index_read_units=3,
            dynamodb_index_write_units=4,
        )
    )
    assert definition["ProvisionedThroughput"] == {"ReadCapacityUnits": 1, "WriteCapacityUnits": 2}
    [index] = definition["GlobalSecondaryIndexes"]
    assert index["ProvisionedThroughput"] == {"ReadCapacityUnits": 3, "WriteCapacityUnits": 4}


def test_no_units_are_stated_on_demand() -> None:
    assert "ProvisionedThroughput" not in str(table_definition(settings(dynamodb_billing_mode="PAY_PER_REQUEST")))


@pytest.mark.parametrize(("environment", "protected"), [("production", True), ("test", False), ("local", False)])
def test_only_production_is_protected_from_deletion(environment: str, protected: bool) -> None:
    assert table_definition(settings(environment=environment))["DeletionProtectionEnabled"] is protected


@pytest.mark.parametrize("billing_mode", ["PROVISIONED", "PAY_PER_REQUEST"])
async def test_a_table_is_created_once_however_often_it_is_asked_for(dynamodb_url: str, billing_mode: str) -> None:
    wanted = settings(dynamodb_endpoint_url=dynamodb_url, dynamodb_billing_mode=billing_mode)
    assert await create_table(wanted)
    assert not await create_table(wanted)
