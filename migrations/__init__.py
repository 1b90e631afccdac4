"""The schema of the stores: versions/ of Postgres in plain SQL, and the definition of the DynamoDB table."""
