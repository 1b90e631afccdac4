"""The accounts of the Cognito user pool, the users in Postgres, and tokens for local use."""
