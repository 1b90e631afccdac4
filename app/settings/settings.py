"""The classes of settings, one for each thing that a process can need; a process reads those that it needs."""

import re
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import parse_qsl, unquote, urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from app.settings.database_url import DatabaseUrl
from app.settings.types import ORIGIN, CommaSeparated, Connections, Factors, Handles, HeaderNames, Networks, Origins

LARGEST_GROUP = 100
"""Members of the largest group: as many as a list has entries."""
LONGEST_MESSAGE = 4_000
"""The most characters that MESSAGE_MAX_LENGTH can allow."""
MOST_UNITS = 40_000
"""The most read or write units of a table or an index, AWS's default quota."""
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
PLACEHOLDERS = frozenset({"", "changeme", "change-me", "password", "postgres", "secret", "local", "example"})

_BEARER = re.compile(r"[A-Za-z0-9._~+/-]+=*")
"""The syntax of a bearer token (RFC 6750, section 2.1)."""

_VALKEY = re.compile(
    r"(redis|valkey)s?://([^@/?#\s]*@)?([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?(/[0-9]{0,3})?"
)
"""The URL of a server, with a database number and without options."""


Units = Annotated[int, Field(ge=1, le=MOST_UNITS)]


class ProcessSettings(BaseSettings):
    """Settings of every process. An invalid value fails the start with a text that says why."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True, hide_input_in_errors=True)

    environment: Literal["local", "test", "production"] = "production"
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    data_dir: Path = Path(".data")
    insecure_allowed: Connections = ()

    def _require(self, name: str, requirement: str, *, is_met: bool) -> None:
        """Raise ValueError in production for an unmet requirement, unless INSECURE_ALLOWED names the setting."""
        if self.environment == "production" and not is_met and name not in self.insecure_allowed:
            raise ValueError(
                f"ENVIRONMENT=production requires {requirement} in {name}, unless INSECURE_ALLOWED names {name}"
            )

    def _refuse_placeholder(self, name: str, password: str | None) -> None:
        """Raise ValueError in production for a URL with a password that is none."""
        if self.environment == "production" and password is not None and password.lower() in PLACEHOLDERS:
            raise ValueError(f"ENVIRONMENT=production refuses a placeholder password in {name}")


class AwsSettings(ProcessSettings):
    """The region of AWS. Without one, AWS's own variables and the profile say which."""

    aws_region: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,40}$")] | None = None


class TableSettings(AwsSettings):
    """The DynamoDB table: its place, its name and its billing."""

    dynamodb_endpoint_url: str | None = None
    dynamodb_client: Literal["data-plane", "aioboto3"] = "data-plane"
    dynamodb_table: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{3,255}$")] = "cruddur-messages"
    dynamodb_billing_mode: Literal["PROVISIONED", "PAY_PER_REQUEST"] = "PAY_PER_REQUEST"
    dynamodb_read_units: Units = 5
    dynamodb_write_units: Units = 5
    dynamodb_index_read_units: Units = 5
    dynamodb_index_write_units: Units = 5

    @field_validator("dynamodb_endpoint_url")
    @classmethod
    def _is_an_address(cls, value: str | None) -> str | None:
        if value is not None and not (urlsplit(value).scheme in {"http", "https"} and urlsplit(value).hostname):
            raise ValueError("must look like http://127.0.0.1:8001; leave it out for AWS")
        return value

    @model_validator(mode="after")
    def _production_encrypts_its_calls(self) -> Self:
        scheme = urlsplit(self.dynamodb_endpoint_url or "https:").scheme
        self._require("DYNAMODB_ENDPOINT_URL", "https", is_met=scheme == "https")
        return self


class DatabaseSettings(AwsSettings):
    """The Postgres database. Its password is read again for each new connection, unless the URL has it."""

    database_url: SecretStr
    database_password_file: Path | None = None
    database_iam_auth: bool = False
    database_prepared_statements: Literal["auto", "on", "off"] = "auto"
    database_pool_size: Annotated[int, Field(ge=1, le=200)] = 10
    report_retention_days: Annotated[int, Field(ge=1, le=3_650)] = 180

    @field_validator("database_url")
    @classmethod
    def _is_postgres(cls, value: SecretStr) -> SecretStr:
        DatabaseUrl.parse(value.get_secret_value())
        return value

    @cached_property
    def parsed_url(self) -> DatabaseUrl:
        """The parts of DATABASE_URL."""
        return DatabaseUrl.parse(self.database_url.get_secret_value())

    @model_validator(mode="after")
    def _has_one_password(self) -> Self:
        sources = {
            "a password in DATABASE_URL": self.parsed_url.password,
            "DATABASE_PASSWORD_FILE": self.database_password_file,
            "DATABASE_IAM_AUTH": self.database_iam_auth,
        }
        given = [name for name, source in sources.items() if source]
        if len(given) > 1:
            raise ValueError(f"{' and '.join(given)} exclude each other: leave one out")
        return self

    @model_validator(mode="after")
    def _iam_auth_has_a_user_and_encryption(self) -> Self:
        if self.database_iam_auth and not (self.parsed_url.user and self.parsed_url.is_encrypted):
            raise ValueError(
                "DATABASE_IAM_AUTH needs a user and sslmode=require, or better verify-full, in DATABASE_URL"
            )
        return self

    @model_validator(mode="after")
    def _production_has_a_real_password_and_encrypts_its_statements(self) -> Self:
        self._refuse_placeholder("DATABASE_URL", self.parsed_url.password)
        is_met = self.parsed_url.is_encrypted
        self._require("DATABASE_URL", "sslmode=require, or better verify-full,", is_met=is_met)
        return self


class StoreSettings(TableSettings, DatabaseSettings):
    """Both stores, messages in DynamoDB and users in Postgres, and how long the content of messages is kept."""

    message_retention_days: Annotated[int, Field(ge=1, le=36_500)] | None = None


class ValkeySettings(ProcessSettings):
    """Valkey or Redis, for events and cache that several processes share. A single process needs none."""

    valkey_url: SecretStr | None = None
    valkey_password_file: Path | None = None

    @field_validator("valkey_url")
    @classmethod
    def _is_valkey(cls, value: SecretStr | None) -> SecretStr | None:
        names = [name for name, _ in parse_qsl(urlsplit(value.get_secret_value()).query, True)] if value else []
        if names:
            raise ValueError(f"has parameters that are not known: {', '.join(names)}; the URL takes none")
        if value is not None and not _VALKEY.fullmatch(value.get_secret_value()):
            raise ValueError("must look like redis://user:password@host:6379/0, with rediss:// for TLS")
        return value

    @model_validator(mode="after")
    def _production_has_a_real_valkey_password(self) -> Self:
        password = urlsplit(self.valkey_url.get_secret_value()).password if self.valkey_url else None
        self._refuse_placeholder("VALKEY_URL", unquote(password) if password is not None else None)
        return self

    @model_validator(mode="after")
    def _password_file_can_be_read(self) -> Self:
        if self.valkey_password_file and not self.valkey_password_file.is_file():
            raise ValueError(f"VALKEY_PASSWORD_FILE names no file: {self.valkey_password_file}")
        return self

    @model_validator(mode="after")
    def _production_encrypts_and_authenticates_its_commands(self) -> Self:
        parts = urlsplit(self.valkey_url.get_secret_value() if self.valkey_url else "rediss://:password@")
        is_met = parts.scheme in {"rediss", "valkeys"} and bool(parts.password or self.valkey_password_file)
        self._require("VALKEY_URL", "rediss:// and a password", is_met=is_met)
        return self


class NameSettings(ProcessSettings):
    """The rules for new handles and names."""

    reserved_handles: Handles = ()


class MetricsSettings(ProcessSettings):
    """The token for the service's counters. Outside of production they are open without it; in production, off."""

    metrics_token: Annotated[SecretStr, Field(min_length=16, max_length=256)] | None = None

    @field_validator("metrics_token")
    @classmethod
    def _metrics_token_is_a_secret(cls, value: SecretStr | None) -> SecretStr | None:
        token = value.get_secret_value() if value else None
        if token and (not _BEARER.fullmatch(token) or any(word in token.lower() for word in PLACEHOLDERS - {""})):
            raise ValueError("is a placeholder or not a bearer token: use the output of `openssl rand -hex 32`")
        return value


MAX_WINDOW = 100 * 365 * 86_400
Window = Annotated[int, Field(ge=0, le=MAX_WINDOW)]
"""Seconds after which a message cannot be changed any more."""


class ErasureSettings(ProcessSettings):
    """The policies of erasing a user."""

    handle_hold_days: Annotated[int, Field(ge=0, le=3_650)] = 30
    erased_messages: Literal["keep", "remove"] = "keep"


class Settings(StoreSettings, ValkeySettings, MetricsSettings, NameSettings, ErasureSettings):
    """All settings of the service."""

    port: Annotated[int, Field(ge=0, le=65_535)] = 8000

    cognito_issuer_url: str
    cognito_jwks_url: str = ""
    cognito_client_ids: CommaSeparated
    cognito_domain_url: str | None = None
    cors_origins: Origins = ()
    cors_headers: HeaderNames = ("traceparent", "tracestate", "baggage")

    root_path: Annotated[str, Field(pattern=r"^(/[A-Za-z0-9._~-]+)*$")] = ""
    stop_delay_seconds: Annotated[float, Field(ge=0, le=300)] = 0
    message_max_length: Annotated[int, Field(ge=1, le=LONGEST_MESSAGE)] = 1024
    edit_window_seconds: Window = 86_400
    delete_window_seconds: Window = 172_800
    shows_edits: bool = True
    max_requests_in_flight: Annotated[int, Field(ge=1, le=10_000)] = 256
    max_requests_per_account: Annotated[int, Field(ge=1, le=10_000)] = 32
    max_event_streams: Annotated[int, Field(ge=1, le=100_000)] = 2_000
    max_group_members: Annotated[int, Field(ge=2, le=LARGEST_GROUP)] = LARGEST_GROUP
    allowances: Factors = {}

    @model_validator(mode="after")
    def _production_has_encrypted_origins(self) -> Self:
        self._require("CORS_ORIGINS", "https", is_met=all(each.startswith("https:") for each in self.cors_origins))
        return self

    @field_validator("cognito_domain_url")
    @classmethod
    def _domain_is_an_origin(cls, value: str | None) -> str | None:
        if value is not None and not ORIGIN.fullmatch(value):
            raise ValueError("must look like https://example.auth.us-east-1.amazoncognito.com, without a path")
        return value

    @model_validator(mode="after")
    def _tokens_come_from_a_safe_place(self) -> Self:
        if self.cognito_issuer_url.endswith("/"):
            raise ValueError("COGNITO_ISSUER_URL must be the iss of the tokens, without a slash at its end")
        if not self.cognito_client_ids:
            raise ValueError("COGNITO_CLIENT_IDS is empty: name the app clients, or no token is accepted")
        places = {
            "COGNITO_ISSUER_URL": self.cognito_issuer_url,
            "COGNITO_JWKS_URL": self.jwks_url,
            "COGNITO_DOMAIN_URL": self.cognito_domain_url or self.cognito_issuer_url,
        }
        for name, url in places.items():
            parts = urlsplit(url)
            is_local = self.environment != "production" and parts.scheme == "http" and parts.hostname in LOOPBACK
            if not (parts.scheme == "https" and parts.hostname) and not is_local:
                raise ValueError(f"{name} must be an https URL (in local and test, http on loopback is allowed)")
        return self

    @model_validator(mode="after")
    def _production_has_a_real_issuer(self) -> Self:
        hosts = {urlsplit(self.cognito_issuer_url).hostname, urlsplit(self.jwks_url).hostname}
        if self.environment == "production" and hosts & LOOPBACK:
            raise ValueError(
                "ENVIRONMENT=production refuses a local token issuer: set COGNITO_ISSUER_URL to the user pool's"
            )
        return self

    @cached_property
    def jwks_url(self) -> str:
        """The URL of the issuer's key set."""
        return self.cognito_jwks_url or f"{self.cognito_issuer_url}/.well-known/jwks.json"


class ServerSettings(Settings):
    """All settings of `python -m app`: those of the service, and those of its connections."""

    host: str = "127.0.0.1"
    keep_alive_seconds: Annotated[int, Field(ge=1, le=3_600)] = 65
    max_connections: Annotated[int, Field(ge=1, le=100_000)] = 4_000
    max_connections_per_address: Annotated[int, Field(ge=1, le=100_000)] = 200
    forwarded_allow_ips: Networks = ("127.0.0.1",)
