"""cruddur-messages: a direct-messaging service on one DynamoDB table."""

__version__ = "0.1.0"
