"""Every class of token attack, as named makers of Authorization headers.

Unless the attack is on the signature, the pool's own key has signed: the named defect is the only defect.
"""

import hashlib
import hmac
import json
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable, Iterator
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from tests.auth.forge import (
    ABSENT,
    ISSUER_URL,
    KID,
    NOW,
    Forge,
    as_json,
    b64,
    bearer,
    claims,
    header,
    public_jwk,
)

SUB = str(claims()["sub"])
Attack = Callable[[Forge], list[str]]
PSS = padding.PSS(padding.MGF1(hashes.SHA256()), 32)
PEM, DER = serialization.Encoding.PEM, serialization.Encoding.DER
SPKI, PKCS1 = serialization.PublicFormat.SubjectPublicKeyInfo, serialization.PublicFormat.PKCS1


def _token(make: Callable[[Forge], str]) -> Attack:
    return lambda forge: bearer(make(forge))


def _head(**changes: Any) -> Attack:
    return _token(lambda forge: forge.token(header(**changes)))


def _claim(**changes: Any) -> Attack:
    return _token(lambda forge: forge.token(**changes))


def _head_text(text: str | bytes) -> Attack:
    return _token(lambda forge: forge.head(text))


def _payload_text(text: str | bytes) -> Attack:
    return _token(lambda forge: forge.payload(text))


def _with_member(member: str) -> Attack:
    """Return the valid claims and another member, spelled out."""
    return _payload_text(as_json(claims())[:-1].decode() + "," + member + "}")


def _parts(change: Callable[[str, str, str], str]) -> Attack:
    return _token(lambda forge: change(*forge.token().split(".")))


def structure() -> Iterator[tuple[str, Attack]]:
    yield "no segments", lambda _: ["Bearer x"]
    yield "empty segments", lambda _: ["Bearer .."]
    yield "two segments", _parts(lambda h, p, _: f"{h}.{p}")
    yield "no signature", _parts(lambda h, p, _: f"{h}.{p}.")
    yield "no payload", _parts(lambda h, _, s: f"{h}..{s}")
    yield "no header", _parts(lambda _, p, s: f".{p}.{s}")
    yield "four segments", _parts(lambda h, p, s: f"{h}.{p}.{s}.{s}")
    yield "four segments, one empty", _parts(lambda h, p, s: f"{h}.{p}.{s}.")
    yield "five segments of a JWE", _parts(lambda h, p, s: f"{h}.{p}.{s}.{p}.{s}")
    yield "segments swapped", _parts(lambda h, p, s: f"{p}.{h}.{s}")
    yield "JSON serialization", _parts(lambda h, p, s: json.dumps({"payload": p, "protected": h, "signature": s}))
    yield "header and payload empty objects", _token(lambda forge: forge.raw(b"{}", b"{}"))
    for name, text in {
        "array": "[]", "string": '"a"', "number": "1", "null": "null", "true": "true", "empty": " ", "text": "alg",
        "cut short": '{"alg":', "trailing text": "{} {}", "single quotes": "{'alg':'RS256'}", "comment": "{/**/}",
    }.items():  # fmt: skip
        yield f"header is {name}", _head_text(text)
        yield f"payload is {name}", _payload_text(text)


def other_text_encodings() -> Iterator[tuple[str, Attack]]:
    for encoding in ("utf-16", "utf-16-le", "utf-32", "utf-8-sig"):
        yield f"header in {encoding}", _head_text(as_json(header()).decode().encode(encoding))
        yield f"payload in {encoding}", _payload_text(as_json(claims()).decode().encode(encoding))
    yield "invalid utf-8", _payload_text(as_json(claims())[:-1] + b',"x":"\xff"}')
    yield "overlong utf-8", _payload_text(as_json(claims())[:-1] + b',"x":"\xc0\xaf"}')
    yield "utf-8 surrogate", _payload_text(as_json(claims())[:-1] + b',"x":"\xed\xa0\x80"}')
    yield "NUL before the JSON", _payload_text(b"\x00" + as_json(claims()))
    yield "NUL after the JSON", _payload_text(as_json(claims()) + b"\x00")


def strict_json() -> Iterator[tuple[str, Attack]]:
    valid = as_json(header()).decode()
    yield "alg twice", _head_text(valid[:-1] + ',"alg":"RS256"}')
    yield "alg none, then RS256", _head_text('{"alg":"none",' + valid[1:])
    yield "alg twice, once escaped", _head_text(valid[:-1] + ',"\\u0061lg":"none"}')
    yield "kid twice", _head_text(valid[:-1] + f',"kid":"{KID}"}}')
    for name, member in {
        "sub twice": '"sub":"x"', "exp twice": '"exp":9999999999', "iss twice": f'"iss":"{ISSUER_URL}"',
        "duplicate in a nested object": '"x":{"a":1,"a":2}', "duplicate in an array": '"x":[{"a":1,"a":1}]',
        "NaN": '"x":NaN', "Infinity": '"x":Infinity', "minus Infinity": '"x":-Infinity', "overflow": '"x":1e999',
        "lone surrogate": '"x":"\\ud800"', "lone low surrogate": '"x":"\\udc00a"', "surrogate name": '"\\ud800":1',
        "nested surrogate": '"x":[{"a":["\\udfff"]}]', "raw control character": '"x":"\n"', "leading zero": '"x":01',
        "hexadecimal": '"x":0x10', "plus sign": '"x":+1', "underscore": '"x":1_0', "trailing comma": '"x":[1,]',
        "bad escape": '"x":"\\q"', "5,000 digits": f'"x":{"9" * 5000}', "5,000 digit fraction": f'"x":1e{"9" * 5000}',
        "nine levels": '"x":' + "[" * 8 + "]" * 8, "1,000 arrays": '"x":' + "[" * 1000 + "]" * 1000,
        "2,500 arrays": '"x":' + "[" * 2500 + "]" * 2500, "700 objects": '"x":' + '{"a":' * 700 + "1" + "}" * 700,
        "2,500 open arrays": '"x":' + "[" * 2500,
    }.items():  # fmt: skip
        yield name, _with_member(member)
    yield "header of 2,500 open arrays", _head_text("[" * 2500)
    yield "header with 2,500 arrays", _head_text(valid[:-1] + ',"x":' + "[" * 2500 + "]" * 2500 + "}")
    yield "kid of 2,500 arrays", _head_text('{"alg":"RS256","kid":' + "[" * 2500 + "]" * 2500 + "}")


def algorithms() -> Iterator[tuple[str, Attack]]:
    for alg in ("none", "None", "NONE", "nOnE", "", " none", "none ", "RS256 ", "rs256", "Rs256", "RS256\u0000"):
        yield f"alg {alg!r}, signed", _head(alg=alg)
    for alg in ("none", "None", "NONE", "nOnE"):
        yield f"alg {alg}, no signature", _signature(lambda *_: b"", alg=alg)
        yield f"alg {alg}, some signature", _signature(lambda *_: b"x", alg=alg)
    for value in (ABSENT, None, True, 0, 256, ["RS256"], {"RS256": 1}):
        yield f"alg {'absent' if value is ABSENT else value}", _head(alg=value)
    for alg in ("RS384", "RS512", "PS256", "ES256", "EdDSA", "HS256", "HS384", "HS512", "dir", "A128KW", "RSA1_5"):
        yield f"alg {alg}, signed as RS256", _head(alg=alg)


def hmac_with_public_key() -> Iterator[tuple[str, Attack]]:
    secrets: dict[str, Callable[[Forge], bytes]] = {
        "SPKI PEM": lambda forge: forge.key.public_key().public_bytes(PEM, SPKI),
        "SPKI PEM stripped": lambda forge: forge.key.public_key().public_bytes(PEM, SPKI).strip(),
        "PKCS1 PEM": lambda forge: forge.key.public_key().public_bytes(PEM, PKCS1),
        "SPKI DER": lambda forge: forge.key.public_key().public_bytes(DER, SPKI),
        "PKCS1 DER": lambda forge: forge.key.public_key().public_bytes(DER, PKCS1),
        "JWK": lambda forge: as_json(public_jwk(forge.key)),
        "JWK set": lambda forge: as_json({"keys": [public_jwk(forge.key)]}),
        "modulus": lambda forge: str(public_jwk(forge.key)["n"]).encode(),
        "nothing": lambda _: b"",
    }
    for name, secret in secrets.items():
        for digest in ("sha256", "sha384", "sha512"):
            yield f"HMAC {digest} with {name}", _hmac(secret, digest, f"HS{digest[3:]}")
        yield f"HMAC with {name} said to be RS256", _hmac(secret, "sha256", "RS256")


def _hmac(secret: Callable[[Forge], bytes], digest: str, alg: str) -> Attack:
    return _signature(lambda forge, signed: hmac.digest(secret(forge), signed, digest), alg=alg)


def signatures() -> Iterator[tuple[str, Attack]]:
    yield "another key's", _signature(lambda forge, signed: _sign(forge.stranger, signed))
    yield "another token's", _signature(lambda forge, signed: _sign(forge.key, signed + b"A"))
    for name, fixed in {
        "one byte": b"x", "256 zeros": bytes(256), "256 ones": b"\xff" * 256, "255 bytes": b"\x01" * 255,
        "257 bytes": b"\x01" * 257, "3,000 bytes": b"\x01" * 3000, "number one": b"\x01".rjust(256, b"\x00"),
    }.items():  # fmt: skip
        yield name, _fixed_signature(fixed)
    yield "SHA-384", _signature(lambda forge, signed: _sign(forge.key, signed, hashes.SHA384()))
    yield "SHA-512", _signature(lambda forge, signed: _sign(forge.key, signed, hashes.SHA512()))
    yield "of the hash", _signature(lambda forge, signed: _sign(forge.key, hashlib.sha256(signed).digest()))
    yield "PSS", _signature(lambda forge, signed: forge.key.sign(signed, PSS, hashes.SHA256()))
    yield "plus the modulus", _signature(_sign_above_modulus)
    yield "leading zero", _signature(lambda forge, signed: b"\x00" + _sign(forge.key, signed))
    yield "trailing zero", _signature(lambda forge, signed: _sign(forge.key, signed) + b"\x00")
    yield (
        "elliptic curve",
        _signature(lambda _, signed: ec.generate_private_key(ec.SECP256R1()).sign(signed, ec.ECDSA(hashes.SHA256()))),
    )


def _signature(sign: Callable[[Forge, bytes], bytes], alg: str = "RS256") -> Attack:
    """The valid claims with what `sign` makes of the signed bytes."""
    signed = f"{b64(as_json(header(alg=alg)))}.{b64(as_json(claims()))}"
    return _token(lambda forge: f"{signed}.{b64(sign(forge, signed.encode()))}")


def _fixed_signature(signature: bytes) -> Attack:
    return _signature(lambda *_: signature)


def _sign(key: rsa.RSAPrivateKey, signed: bytes, hashed: hashes.HashAlgorithm | None = None) -> bytes:
    return key.sign(signed, padding.PKCS1v15(), hashed or hashes.SHA256())


def _sign_above_modulus(forge: Forge, signed: bytes) -> bytes:
    """Return the signature as the same residue, written as a number above the modulus."""
    number = int.from_bytes(_sign(forge.key, signed)) + forge.key.public_key().public_numbers().n
    return number.to_bytes((number.bit_length() + 7) // 8)


def header_members() -> Iterator[tuple[str, Attack]]:
    for value in (ABSENT, None, "", 1, True, [KID], {"kid": KID}, "k" * 129, "k" * 4000):
        yield f"kid {'absent' if value is ABSENT else repr(value)[:20]}", _head(kid=value)
    for value in (
        "unknown", KID + " ", " " + KID, KID.upper(), KID + "\x00", "../../../dev/null", "/dev/null", "' OR 1=1 --",
        "https://evil.example/key", "file:///etc/passwd", "${jndi:ldap://evil.example}", "\uff2b", "__proto__", "keys",
    ):  # fmt: skip
        yield f"kid {value!r}", _head(kid=value)
    for value in (None, "", "jwt", "JWS", "at+jwt", "JWT ", 1, ["JWT"]):
        yield f"typ {value!r}", _head(typ=value)
    yield "jwk of the forger", _token(lambda f: f.token(header(jwk=public_jwk(f.stranger)), key=f.stranger))
    yield "jwk of the pool", _token(lambda f: f.token(header(jwk=public_jwk(f.key))))
    yield (
        "jwk instead of kid",
        _token(lambda f: f.token(header(kid=ABSENT, jwk=public_jwk(f.stranger)), key=f.stranger)),
    )
    yield "jku of the forger", _token(lambda f: f.token(header(jku="https://evil.example/jwks.json"), key=f.stranger))
    certificate = b64encode(b"certificate").decode()
    for name, value in {
        "jku": f"{ISSUER_URL}/.well-known/jwks.json", "x5u": "https://evil.example/c.pem", "x5c": [certificate],
        "x5t": b64(bytes(20)), "x5t#S256": b64(bytes(32)), "crit": ["exp"], "zip": "DEF", "cty": "JWT", "b64": True,
        "enc": "A128GCM", "epk": {}, "apu": "", "iss": ISSUER_URL, "exp": NOW + 60, "nonce": "x", "ALG": "RS256", "": 1,
    }.items():  # fmt: skip
        yield f"header member {name!r}", _head(**{name: value})
    yield "crit and b64 false", _head(crit=["b64"], b64=False)
    yield "b64 false, payload bare", _token(lambda f: f.segments(b64(as_json(header(b64=False))), "e30"))
    yield "empty crit", _head(crit=[])


def base64_spellings() -> Iterator[tuple[str, Attack]]:
    for name, change in {
        "padded": lambda s: s + "=" * (-len(s) % 4 or 4), "one pad": lambda s: s + "=", "space": lambda s: s + " ",
        "newline within": lambda s: s[:5] + "\n" + s[5:], "space within": lambda s: s[:5] + " " + s[5:],
        "exclamation mark": lambda s: s[:4] + "!" + s[4:], "percent": lambda s: s + "%3D", "NUL": lambda s: s + "\x00",
        "one character more": lambda s: s + "A" * (5 - len(s) % 4 if len(s) % 4 else 1), "accent": lambda s: s + "é",
        "full-width letter": lambda s: "\uff21" + s[1:], "standard alphabet": lambda s: s[:4] + "+/" + s[6:],
    }.items():  # fmt: skip
        for index, part in enumerate(("header", "payload", "signature")):
            yield f"{part}: {name}", _respelled(index, change)
    for index, part in enumerate(("header", "payload", "signature")):
        yield f"{part}: unused bits set", _respelled(index, _set_unused_bits)
    yield (
        "header in the standard alphabet",
        _token(
            lambda f: f.segments(b64encode(as_json(header(kid="???>>>"))).decode().rstrip("="), b64(as_json(claims())))
        ),
    )
    yield (
        "payload padded before signing",
        _token(
            lambda f: f.segments(b64(as_json(header())), urlsafe_b64encode(as_json(claims(sub="ab"))).decode() + "=")
        ),
    )


def _respelled(index: int, change: Callable[[str], str]) -> Attack:
    """Return an attack that spells a segment differently; header and payload are signed in that spelling."""

    def make(forge: Forge) -> str:
        spelled = [b64(_uneven(as_json(header()))), b64(_uneven(as_json(claims())))]
        if index < len(spelled):
            spelled[index] = change(spelled[index])
        signed, _, signature = forge.segments(spelled[0], spelled[1]).rpartition(".")
        return f"{signed}.{signature if index < len(spelled) else change(signature)}"

    return _token(make)


def _uneven(raw: bytes) -> bytes:
    """Return the JSON after as many spaces as leave unused bits in its last base64 character."""
    return b" " * ((1 - len(raw)) % 3) + raw


def _set_unused_bits(segment: str) -> str:
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return segment[:-1] + alphabet[alphabet.index(segment[-1]) | 1]


def wrong_claims() -> Iterator[tuple[str, Attack]]:
    for name in ("sub", "iss", "client_id", "token_use", "exp", "iat"):
        yield f"no {name}", _claim(**{name: ABSENT})
        wrong: tuple[Any, ...] = (None, True, False, [], {}, "", -1, 1.5, [claims()[name]], {"a": claims()[name]})
        for value in wrong:
            yield f"{name} is {value!r:.30}", _claim(**{name: value})
    for value in (
        ISSUER_URL + "/", ISSUER_URL + "2", ISSUER_URL[:-1], ISSUER_URL.upper(), " " + ISSUER_URL, ISSUER_URL + "\x00",
        ISSUER_URL.replace("https", "http"), ISSUER_URL.replace("Pool", "Else"), ISSUER_URL + "#", "https://evil.example",
        ISSUER_URL.replace("amazonaws.com", "amazonaws.com:443"), ISSUER_URL.replace("//", "//u@"),
    ):  # fmt: skip
        yield f"iss {value!r}", _claim(iss=value)
    for value in ("id", "refresh", "Access", "access ", "ACCESS"):
        yield f"token_use {value!r}", _claim(token_use=value)
    for value in ("client", "client-three", "client-one,client-two", "Client-One", "client-one "):
        yield f"client_id {value!r}", _claim(client_id=value)
    yield "an id token", _claim(token_use="id", client_id=ABSENT, aud="client-one", email="a@example.org")
    yield "aud instead of client_id", _claim(client_id=ABSENT, aud="client-one")
    for value in (
        " ", "\t", "a\nb", "a\x00", "\u200b", "a\u202eb", "\ue000", "s" * 256, "\u2028", "amelie", "a@example.org",
        f"{SUB} ", SUB.upper(), SUB.replace("-", ""), f"{{{SUB}}}", f"urn:uuid:{SUB}", SUB + "\n", SUB[:-1], SUB + "0",
        SUB.replace("8", "\u0668"), "moving " + SUB,
    ):  # fmt: skip
        yield f"sub {value!r:.50}", _claim(sub=value)
    for value in (
        "client-two", "client", "https://api.example.org", "", " client-one", "Client-One", None, True, 1, [], {},
        ["client-one"], ["client-one", "https://api.example.org"], {"client-one": 1},
    ):  # fmt: skip
        yield f"aud {value!r}", _claim(aud=value)


def wrong_times() -> Iterator[tuple[str, Attack]]:
    for name, changes in {
        "expired": {"exp": NOW - 31}, "expired just now": {"exp": NOW - 30}, "issued in the future": {"iat": NOW + 31},
        "expires as it is issued": {"iat": NOW, "exp": NOW}, "expires before issue": {"exp": NOW, "iat": NOW + 1},
        "longer than a day": {"iat": NOW - 60, "exp": NOW - 59 + 24 * 3600}, "issued long ago": {"iat": 0},
        "far end": {"exp": 253_402_300_799}, "not yet valid": {"nbf": NOW + 31},
        "never valid": {"nbf": NOW + 10**9}, "milliseconds": {"iat": NOW * 1000},
    }.items():  # fmt: skip
        yield name, _claim(**changes)
    odd = (10**30, 2**63, 2**64, 253_402_300_800, -(10**30), 1.75e9, float(NOW + 60), str(NOW + 60), 1e300, [NOW], True)
    for value in odd:
        yield f"exp {value!r:.30}", _claim(exp=value)
        yield f"nbf {value!r:.30}", _claim(nbf=value)
        yield f"iat {value!r:.30}", _claim(iat=value)
    yield "nbf null", _claim(nbf=None)
    yield "exp in exponent form", _payload_text(as_json(claims()).replace(str(NOW + 3540).encode(), b"2e9"))


def headers() -> Iterator[tuple[str, Attack]]:
    yield "no header", lambda _: []
    yield "empty header", lambda _: [""]
    yield "two headers", lambda forge: bearer([forge.token(), forge.token()])
    yield "two headers, one empty", lambda forge: [*bearer(forge.token()), ""]
    yield "two tokens in one", _around("Bearer {0}, Bearer {0}")
    yield "two tokens after one scheme", _around("Bearer {0} {0}")
    for name, pattern in {
        "Basic": "Basic {0}", "Token": "Token {0}", "JWT": "JWT {0}", "Digest": "Digest {0}", "DPoP": "DPoP {0}",
        "no scheme": "{0}", "scheme twice": "Bearer Bearer {0}", "no space": "Bearer{0}", "tab": "Bearer\t{0}",
        "colon": "Bearer: {0}", "equals": "Bearer={0}", "quotes": 'Bearer "{0}"', "parameter": "Bearer token={0}",
        "trailing space": "Bearer {0} ", "leading space": " Bearer {0}", "newline": "Bearer {0}\n",
        "CR": "Bearer {0}\r", "trailing parameter": "Bearer {0}; a=b", "comma": "Bearer {0},",
        "no-break space": "Bearer\u00a0{0}", "NUL": "Bearer {0}\x00", "lone surrogate": "Bearer {0}\udc80",
        "Latin letter": "Beärer {0}", "byte order mark": "ï»¿Bearer {0}",
    }.items():  # fmt: skip
        yield f"header with {name}", _around(pattern)
    yield "only the scheme", lambda _: ["Bearer"]
    yield "only the scheme and a space", lambda _: ["Bearer "]
    yield "larger than 8 KB", _claim(x="x" * 6000)
    yield "larger than 8 KB by spaces", _around("Bearer" + " " * 8192 + "{0}")
    yield "a megabyte of dots", lambda _: ["Bearer " + "." * 1_000_000]
    yield "8 KB of dots", lambda _: ["Bearer " + "." * 8000]
    yield "8 KB of letters", lambda _: ["Bearer " + "A" * 8000]
    yield "8 KB of hyphens and dots", lambda _: ["Bearer " + "-." * 4000]


def _around(pattern: str) -> Attack:
    return lambda forge: [pattern.format(forge.token())]


ATTACKS: dict[str, Attack] = {
    f"{group.__name__}: {name}": attack
    for group in (
        structure,
        other_text_encodings,
        strict_json,
        algorithms,
        hmac_with_public_key,
        signatures,
        header_members,
        base64_spellings,
        wrong_claims,
        wrong_times,
        headers,
    )
    for name, attack in group()
}
