"""Everything outside of the process that the service speaks to: DynamoDB, Postgres, Valkey."""
