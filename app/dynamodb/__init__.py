"""The DynamoDB gateway: one table, plain values in and out, every call bounded and retried in one place."""

from app.dynamodb.table import MAX_ATTEMPTS as MAX_ATTEMPTS
from app.dynamodb.table import ConditionFailed as ConditionFailed
from app.dynamodb.table import Table as Table
from app.dynamodb.table import TransactionRejected as TransactionRejected
from app.dynamodb.table import open_table as open_table
from app.dynamodb.values import Check as Check
from app.dynamodb.values import Item as Item
from app.dynamodb.values import Key as Key
from app.dynamodb.values import Put as Put
from app.dynamodb.values import Query as Query
from app.dynamodb.values import Update as Update
from app.dynamodb.values import Write as Write
from app.dynamodb.values import marshal_item as marshal_item
from app.dynamodb.values import unmarshal_item as unmarshal_item
