"""The stored shapes: versions/ of the Postgres schema in plain SQL, and the DynamoDB table as data."""
