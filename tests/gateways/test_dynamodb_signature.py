"""Signatures: AWS's published test vectors, and the same as botocore's signer over generated requests."""

import string
from datetime import UTC, datetime
from random import Random
from unittest.mock import patch

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from app.gateways.dynamodb.signature import Signer

ACCESS_KEY, SECRET_KEY = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
TOKEN = (
    "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwth"
    "Ax7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAk"
    "iY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA=="
)
VECTORS = {
    "post-vanilla": ({}, b"", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
    "post-header-key-sort": (
        {"my-header1": "value1"},
        b"",
        "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c",
    ),
    "post-header-value-case": (
        {"my-header1": "VALUE1"},
        b"",
        "cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d",
    ),
    "post-sts-header-before": (
        {"x-amz-security-token": TOKEN},
        b"",
        "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead",
    ),
    "post-x-www-form-urlencoded": (
        {"content-type": "application/x-www-form-urlencoded"},
        b"Param1=value1",
        "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
    ),
}
"""POSTs to `/` without a query: headers beside `host` and the date, body, and the signature."""

PRINTABLE = string.ascii_letters + string.digits + "/+=-._"
REGIONS = ("us-east-1", "eu-central-1", "us-gov-west-1", "cn-north-1")
HOSTS = ("dynamodb.us-east-1.amazonaws.com", "127.0.0.1:8001", "123456789012.ddb.eu-west-1.amazonaws.com", "ddb:65535")


@pytest.mark.parametrize("name", VECTORS)
def test_a_request_of_the_published_suite_gets_its_signature(name: str) -> None:
    more, body, signature = VECTORS[name]
    headers = {"host": "example.amazonaws.com", "x-amz-date": "20150830T123600Z", **more}
    signer = Signer("us-east-1", "service")
    header = signer.authorization(dict(sorted(headers.items())), body, access_key=ACCESS_KEY, secret_key=SECRET_KEY)
    names = ";".join(sorted(headers))
    assert header == (
        f"AWS4-HMAC-SHA256 Credential={ACCESS_KEY}/20150830/us-east-1/service/aws4_request, "
        f"SignedHeaders={names}, Signature={signature}"
    )


def test_any_request_is_signed_as_botocore_signs_it() -> None:
    random = Random(1)  # noqa: S311  # repeatable
    for _ in range(3_000):
        _require_same_signature(random)


def _require_same_signature(random: Random) -> None:
    def text(length: int) -> str:
        return "".join(random.choices(PRINTABLE, k=random.randint(1, length)))

    region, access_key, secret_key, token = random.choice(REGIONS), text(20), text(40), random.choice([None, text(400)])
    host, body = random.choice(HOSTS), random.randbytes(random.randint(0, 300))
    at = datetime.fromtimestamp(random.randint(1_600_000_000, 4_000_000_000), UTC)
    headers = {"content-type": "application/x-amz-json-1.0", "host": host, "x-amz-target": text(30)}
    request = AWSRequest("POST", f"http://{host}/", headers=dict(headers), data=body)
    with patch("botocore.auth.get_current_datetime", return_value=at):
        SigV4Auth(Credentials(access_key, secret_key, token), "dynamodb", region).add_auth(request)
    headers |= {"x-amz-date": at.strftime("%Y%m%dT%H%M%SZ")} | ({"x-amz-security-token": token} if token else {})
    ours = Signer(region, "dynamodb").authorization(
        dict(sorted(headers.items())), body, access_key=access_key, secret_key=secret_key
    )
    assert ours == request.headers["Authorization"]
