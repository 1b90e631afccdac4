"""Backoff: how long anything waits between its attempts."""

import random
from dataclasses import dataclass


def full_jitter(seconds: float) -> float:
    """Return a random wait between 0 and this many seconds, so that processes that failed together retry apart."""
    return random.uniform(0, seconds)  # noqa: S311  # spreads load, guards nothing


@dataclass(frozen=True, slots=True)
class Backoff:
    """Exponential backoff with full jitter: the upper bound of a wait doubles from `first` to `longest` seconds."""

    first: float
    longest: float

    def seconds(self, attempt: int) -> float:
        """Return how long to wait after this attempt, counted from 0."""
        return full_jitter(min(self.longest, self.first * 2 ** min(attempt, 32)))


NUMBER_CONTENTION = Backoff(0.02, 0.02)
"""Between two conditional puts of a message whose number another process took."""
DYNAMODB_REQUEST = Backoff(0.025, 0.4)
"""Between the attempts of one DynamoDB call of the service: half a second in all."""
DYNAMODB_COMMAND = Backoff(0.1, 10.0)
"""Between the attempts of the command line, which waits throttling out."""
AWS_COMMAND = Backoff(2.0, 60.0)
"""Between the attempts of a command's call to AWS that is throttled in spite of botocore's retries."""
INBOX_ROW = Backoff(1.0, 60.0)
"""Between the attempts to bring an inbox row up to its log, behind the answer."""
VALKEY_CONNECT = Backoff(0.1, 3.0)
"""Between the attempts of a subscriber to connect."""
