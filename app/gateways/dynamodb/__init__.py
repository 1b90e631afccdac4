"""The DynamoDB gateway: one table, plain values in and out, one place for deadlines and retries of every call."""

from app.gateways.dynamodb.consumed import Meter as Meter
from app.gateways.dynamodb.faults import ConditionFailed as ConditionFailed
from app.gateways.dynamodb.faults import TransactionRejected as TransactionRejected
from app.gateways.dynamodb.table import MAX_ATTEMPTS as MAX_ATTEMPTS
from app.gateways.dynamodb.table import Table as Table
from app.gateways.dynamodb.table import open_table as open_table
from app.gateways.dynamodb.values import Check as Check
from app.gateways.dynamodb.values import Delete as Delete
from app.gateways.dynamodb.values import Item as Item
from app.gateways.dynamodb.values import Key as Key
from app.gateways.dynamodb.values import Put as Put
from app.gateways.dynamodb.values import Query as Query
from app.gateways.dynamodb.values import StoredItem as StoredItem
from app.gateways.dynamodb.values import Update as Update
from app.gateways.dynamodb.values import Write as Write
from app.gateways.dynamodb.values import marshal_item as marshal_item
from app.gateways.dynamodb.values import text_to_uuid as text_to_uuid
from app.gateways.dynamodb.values import to_bytes as to_bytes
from app.gateways.dynamodb.values import to_known_uuid as to_known_uuid
from app.gateways.dynamodb.values import unmarshal_item as unmarshal_item
