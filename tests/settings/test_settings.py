"""Settings: what is refused, what is assumed, and that only this file reads the environment."""

from typing import Any

import pytest
from fastapi.routing import iter_route_contexts
from pydantic import ValidationError

from app.main import create_app
from app.settings import PLACEHOLDERS, Settings
from app.settings.database_url import ENCRYPTED_SSLMODES

PRODUCTION = {
    "DATABASE_URL": "postgresql://cruddur:kX9vQ2mR7t@db.example.com:5432/cruddur?sslmode=require",
    "COGNITO_ISSUER_URL": "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Pool",
    "COGNITO_CLIENT_IDS": "web, mobile ,,",
}
LOCAL = {
    "ENVIRONMENT": "local",
    "DATABASE_URL": "postgresql://postgres:postgres@127.0.0.1:5432/postgres",
    "COGNITO_ISSUER_URL": "http://localhost:8000/local",
    "COGNITO_CLIENT_IDS": "local",
}


@pytest.fixture(autouse=True)
def _empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)


def read(monkeypatch: pytest.MonkeyPatch, base: dict[str, str], **changes: str | None) -> Settings:
    for name, value in (base | changes).items():
        if value is None:
            monkeypatch.delenv(name, raising=False)
        else:
            monkeypatch.setenv(name, value)
    return Settings()


def test_production_is_the_default_and_needs_three_variables_only(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = read(monkeypatch, PRODUCTION)
    assert (settings.environment, settings.port, settings.log_level) == ("production", 8000, "INFO")
    assert settings.cognito_client_ids == ("web", "mobile")
    assert settings.cors_origins == ()
    assert settings.dynamodb_endpoint_url is None
    assert settings.dynamodb_table == "cruddur-messages"
    assert settings.message_max_length == 1024
    assert settings.jwks_url == f"{PRODUCTION['COGNITO_ISSUER_URL']}/.well-known/jwks.json"


@pytest.mark.parametrize("name", PRODUCTION)
def test_a_setting_without_a_default_is_required(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    for missing in (None, ""):
        with pytest.raises(ValidationError, match=name.lower()):
            read(monkeypatch, PRODUCTION, **{name: missing})


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("COGNITO_ISSUER_URL", "http://cognito-idp.eu-west-1.amazonaws.com/pool", "https"),
        ("COGNITO_ISSUER_URL", "http://localhost:8000/local", "https"),
        ("COGNITO_ISSUER_URL", "https://localhost:8000/local", "local token issuer"),
        ("COGNITO_ISSUER_URL", "https://127.0.0.1/local", "local token issuer"),
        ("COGNITO_ISSUER_URL", "https://[::1]/local", "local token issuer"),
        ("COGNITO_ISSUER_URL", "https://LOCALHOST/local", "local token issuer"),
        ("COGNITO_ISSUER_URL", "https:///local", "https"),
        ("COGNITO_ISSUER_URL", "cognito", "https"),
        ("COGNITO_JWKS_URL", "http://keys.example.com/jwks.json", "https"),
        ("COGNITO_JWKS_URL", "https://127.0.0.1/jwks.json", "local token issuer"),
        ("COGNITO_JWKS_URL", "file:///etc/passwd", "https"),
        ("COGNITO_CLIENT_IDS", " , ,", "CLIENT_IDS is empty"),
        ("COGNITO_DOMAIN_URL", "http://example.auth.eu-west-1.amazoncognito.com", "https"),
        ("COGNITO_DOMAIN_URL", "https://example.auth.eu-west-1.amazoncognito.com/", "without a path"),
        ("COGNITO_DOMAIN_URL", "https://example.com; script-src *", "without a path"),
        ("COGNITO_DOMAIN_URL", "example.auth.eu-west-1.amazoncognito.com", "without a path"),
        *(("DATABASE_URL", f"postgresql://u:{word}@db/x", "placeholder") for word in sorted(PLACEHOLDERS - {""})),
        ("DATABASE_URL", "postgresql://u:PassWord@db/x", "placeholder"),
        ("DATABASE_URL", "postgresql://u:%70assword@db/x", "placeholder"),
        ("DATABASE_URL", "postgresql://u:@db/x", "placeholder"),
        ("DATABASE_URL", "mysql://u:kX9vQ2mR7t@db/x", "postgresql://"),
        ("DATABASE_URL", "rubbish", "postgresql://"),
        *(
            ("DATABASE_URL", f"postgresql://{rest}", reason)
            for rest, reason in (
                (
                    "u:kX9vQ2mR7t@db/x?sslmode=require&conect_timeout=3&pool=1",
                    "unknown parameter conect_timeout, pool:",
                ),
                ("u:kX9vQ2mR7t@db/x?sslmode=on", "wrong sslmode: it is one of allow, disable"),
                ("u:kX9vQ2mR7t@a,b/x?target_session_attrs=master", "wrong target_session_attrs: it is one of any"),
                ("u:kX9vQ2mR7t@db/x?sslmode", "parameter without a value"),
                ("u:kX9vQ2mR7t@a:1,b:port/x", "must look like"),
                ("u:kX9vQ2mR7t@a:1,b:65536/x", "must look like"),
                ("u:kX9vQ2mR7t@a,,b/x", "must look like"),
                ("u:kX9v@Q2mR7t@db/x", "must look like"),
                ("u:kX9vQ2mR7t@a,b/x?port=1,2,3", "must look like"),
                ("/x?sslmode=require", "must look like"),
            )
        ),
        ("DATABASE_IAM_AUTH", "true", "a password in DATABASE_URL and DATABASE_IAM_AUTH exclude each other"),
        ("DATABASE_PASSWORD_FILE", "/run/secret", "in DATABASE_URL and DATABASE_PASSWORD_FILE exclude each other"),
        ("AWS_REGION", "not a region", "aws_region"),
        ("VALKEY_URL", "redis://:changeme@cache.example.com", "placeholder"),
        *(
            ("VALKEY_URL", url, "redis://")
            for url in (
                "cache:6379",
                "http://cache",
                "redis://",
                "redis:///0",
                "redis://cache/x",
                "redis://cache/0/1",
                "redis://cache#1",
                "unix:///tmp/valkey",
                "redis://u:p@ss@cache",
                "redis://a b",
                "redis://cache:99999999",
            )
        ),
        ("VALKEY_URL", "rediss://:x@cache?ssl_cert_reqs=none&db=", "not known: ssl_cert_reqs, db"),
        ("VALKEY_PASSWORD_FILE", "/nowhere", "names no file"),
        ("CORS_ORIGINS", "*", "not an origin"),
        ("CORS_ORIGINS", "https://*.example.com", "not an origin"),
        ("CORS_ORIGINS", "https://app.example.com/", "not an origin"),
        ("CORS_ORIGINS", "https://app.example.com/path", "not an origin"),
        ("CORS_ORIGINS", "app.example.com", "not an origin"),
        ("CORS_ORIGINS", "null", "not an origin"),
        ("CORS_ORIGINS", "https://ok.example.com,*", "not an origin"),
        ("CORS_ORIGINS", "https://user@app.example.com", "not an origin"),
        ("CORS_ORIGINS", "https://App.example.com", "not an origin"),
        ("RESERVED_HANDLES", "acme, Acme Inc", "'Acme Inc' is no handle"),
        ("ENVIRONMENT", "staging", "environment"),
        ("PORT", "-1", "port"),
        ("PORT", "65536", "port"),
        ("PORT", "http", "port"),
        ("LOG_LEVEL", "LOUD", "log_level"),
        ("DYNAMODB_TABLE", "no spaces", "dynamodb_table"),
        ("DYNAMODB_BILLING_MODE", "FREE", "dynamodb_billing_mode"),
        ("DYNAMODB_CLIENT", "boto3", "dynamodb_client"),
        ("DYNAMODB_READ_UNITS", "0", "dynamodb_read_units"),
        ("DYNAMODB_INDEX_WRITE_UNITS", "x", "dynamodb_index_write_units"),
        ("DATABASE_POOL_SIZE", "0", "database_pool_size"),
        ("MESSAGE_MAX_LENGTH", "0", "message_max_length"),
        ("MESSAGE_MAX_LENGTH", "4001", "message_max_length"),
        ("MAX_REQUESTS_IN_FLIGHT", "0", "max_requests_in_flight"),
        ("METRICS_TOKEN", "0a1b2c3d", "metrics_token"),
        ("METRICS_TOKEN", "change-me-change-me", "placeholder"),
        ("METRICS_TOKEN", "my-Secret-my-secret", "placeholder"),
        ("METRICS_TOKEN", "two words, not a token", "not a bearer token"),
    ],
)
def test_production_refuses_invalid_values(monkeypatch: pytest.MonkeyPatch, name: str, value: str, reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        read(monkeypatch, PRODUCTION, **{name: value})


@pytest.mark.parametrize(
    ("rest", "place"),
    [
        ("a:5433,b/x?target_session_attrs=primary&application_name=c", "a:5433, b:5432, database x"),
        ("[::1]:5433,[fd00::1]/x?options=-csearch_path%3Dy", "[::1]:5433, [fd00::1]:5432, database x"),
        ("a,b/x?port=1,2", "a:1, b:2, database x"),
        ("/x?host=/run/postgresql&user=u", "/run/postgresql, database x"),
        ("a", "a:5432, database of the user"),
    ],
)
def test_a_database_may_have_several_hosts(monkeypatch: pytest.MonkeyPatch, rest: str, place: str) -> None:
    for prefix in ("postgresql://", "postgres://"):
        settings = read(monkeypatch, LOCAL, DATABASE_URL=prefix + rest)
        assert settings.parsed_url.place == place


def test_an_iam_token_needs_a_user_and_encryption(monkeypatch: pytest.MonkeyPatch) -> None:
    for url in ("postgresql://db/x?sslmode=require", "postgresql://u@db/x"):
        with pytest.raises(ValidationError, match="needs a user and sslmode=require"):
            read(monkeypatch, LOCAL, DATABASE_URL=url, DATABASE_IAM_AUTH="true")
    read(monkeypatch, PRODUCTION, DATABASE_URL="postgresql://u@db/x?sslmode=require", DATABASE_IAM_AUTH="true")


def test_a_refusal_does_not_show_the_password(monkeypatch: pytest.MonkeyPatch) -> None:
    for url in ("mysql://u:kX9vQ2mR7t@db/x", "postgresql://u:kX9vQ2mR7t@db:port/x"):
        with pytest.raises(ValidationError) as refusal:
            read(monkeypatch, PRODUCTION, DATABASE_URL=url)
        assert "kX9vQ2mR7t" not in str(refusal.value)
    with pytest.raises(ValidationError) as refusal:
        read(monkeypatch, PRODUCTION, VALKEY_URL="redis://:kX9vQ2mR7t@cache/x")
    assert "kX9vQ2mR7t" not in str(refusal.value)
    assert "kX9vQ2mR7t" not in repr(read(monkeypatch, PRODUCTION, VALKEY_URL="rediss://:kX9vQ2mR7t@cache"))


@pytest.mark.parametrize("scheme", ["redis", "rediss", "valkey", "valkeys"])
@pytest.mark.parametrize("rest", ["cache", "cache.example.com:6379/2", "u:kX9%40@10.0.0.1", ":kX9@[::1]:6379/"])
def test_valkey_urls_have_one_of_four_schemes(monkeypatch: pytest.MonkeyPatch, scheme: str, rest: str) -> None:
    settings = read(monkeypatch, PRODUCTION, VALKEY_URL=f"{scheme}://{rest}", INSECURE_ALLOWED="VALKEY_URL")
    assert settings.valkey_url
    assert settings.valkey_url.get_secret_value() == f"{scheme}://{rest}"


@pytest.mark.parametrize("environment", ["local", "test"])
def test_the_local_environment_accepts_a_local_issuer_and_simple_passwords(
    monkeypatch: pytest.MonkeyPatch, environment: str
) -> None:
    settings = read(monkeypatch, LOCAL, ENVIRONMENT=environment)
    assert settings.jwks_url == "http://localhost:8000/local/.well-known/jwks.json"
    with pytest.raises(ValidationError, match="https"):
        read(monkeypatch, LOCAL, ENVIRONMENT=environment, COGNITO_ISSUER_URL="http://issuer.example.com")


def test_lists_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = read(monkeypatch, PRODUCTION, CORS_ORIGINS="https://a.example.com, https://localhost:3000,")
    assert settings.cors_origins == ("https://a.example.com", "https://localhost:3000")


PASSWORD = "kX9vQ2mR7t"
INSECURE = {
    "DATABASE_URL": [
        f"postgresql://u:{PASSWORD}@db/x{query}"
        for query in ("", "?sslmode=prefer", "?sslmode=allow", "?sslmode=disable", "?sslmode=require&sslmode=prefer")
    ],
    "VALKEY_URL": [
        f"redis://:{PASSWORD}@cache",
        f"valkey://:{PASSWORD}@cache",
        "rediss://cache",
        "rediss://user@cache",
    ],
    "DYNAMODB_ENDPOINT_URL": ["http://10.0.0.1:8000", "http://127.0.0.1:8000"],
    "CORS_ORIGINS": ["http://app.example.com", "https://app.example.com,http://localhost:3000"],
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in INSECURE.items() for value in values])
def test_production_encrypts_unless_told_otherwise_for_each_setting(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    others = ",".join(INSECURE.keys() - {name})
    for allowed in (None, others):
        with pytest.raises(ValidationError, match=f"in {name}, unless INSECURE_ALLOWED names {name}") as refusal:
            read(monkeypatch, PRODUCTION, **{name: value, "INSECURE_ALLOWED": allowed})
        assert "kX9vQ2mR7t" not in str(refusal.value)
    read(monkeypatch, PRODUCTION, **{name: value, "INSECURE_ALLOWED": name})
    read(monkeypatch, LOCAL, **{name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("DATABASE_URL", f"postgresql://u:{PASSWORD}@db/x?sslmode={mode}") for mode in sorted(ENCRYPTED_SSLMODES)),
        ("VALKEY_URL", f"rediss://:{PASSWORD}@cache"),
        ("VALKEY_URL", f"valkeys://user:{PASSWORD}@cache:6380/1"),
        ("DYNAMODB_ENDPOINT_URL", "https://dynamodb.example.com"),
        ("CORS_ORIGINS", "https://a.example.com,https://b.example.com"),
    ],
)
def test_encrypted_connections_need_no_exception(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    read(monkeypatch, PRODUCTION, **{name: value})


def test_an_exception_names_a_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValidationError, match="is none of DATABASE_URL, VALKEY_URL"):
        read(monkeypatch, PRODUCTION, INSECURE_ALLOWED="postgres")


def test_an_empty_variable_counts_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("PORT", "LOG_LEVEL", "DYNAMODB_ENDPOINT_URL", "CORS_ORIGINS", "COGNITO_JWKS_URL", "ENVIRONMENT")
    assert read(monkeypatch, PRODUCTION, **dict.fromkeys(names, "")) == read(monkeypatch, PRODUCTION)


def test_settings_are_frozen(monkeypatch: pytest.MonkeyPatch) -> None:
    settings: Any = read(monkeypatch, PRODUCTION)
    with pytest.raises(ValidationError, match="frozen"):
        settings.environment = "local"


def local_paths(settings: Settings) -> set[str]:
    paths = {str(context.path) for context in iter_route_contexts(create_app(settings).routes)}
    return {path for path in paths if path.startswith("/local")}


def test_only_the_local_environment_has_an_issuer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOG_LEVEL", "WARNING")  # which creating an application puts into force
    assert local_paths(read(monkeypatch, LOCAL)) == {"/local/.well-known/jwks.json", "/local/users", "/local/token"}
    assert local_paths(read(monkeypatch, LOCAL, ENVIRONMENT="test")) == set()
    assert local_paths(read(monkeypatch, PRODUCTION, ENVIRONMENT="production")) == set()
