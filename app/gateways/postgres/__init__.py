"""The Postgres gateway: a connection pool, a deadline for every statement, and every fault as Unavailable."""

from app.gateways.postgres.faults import unavailable as unavailable
from app.gateways.postgres.pool import STATEMENT_SECONDS as STATEMENT_SECONDS
from app.gateways.postgres.pool import Postgres as Postgres
from app.gateways.postgres.pool import open_postgres as open_postgres
