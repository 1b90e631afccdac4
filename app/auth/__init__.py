"""Authentication: the verification of Cognito access tokens, and an issuer that replaces the user pool locally."""
