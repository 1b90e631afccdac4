"""The DynamoDB table: its schema, its items, and whether they agree."""
