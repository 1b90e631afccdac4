"""The Valkey gateway: short commands behind a circuit breaker, and a subscriber. Every call may fail at any time.

Only this package imports the redis package, and only when it connects: it takes 5 MB and 0.2 s. Commands and channels
go to the only server, or to the primary of a cluster that has the slot of their key.
"""

from app.gateways.valkey.client import BREAKER_SECONDS as BREAKER_SECONDS
from app.gateways.valkey.client import CALL_SECONDS as CALL_SECONDS
from app.gateways.valkey.client import Valkey as Valkey
from app.gateways.valkey.client import open_valkey as open_valkey
from app.gateways.valkey.client import result_of as result_of
from app.gateways.valkey.endpoint import Command as Command
from app.gateways.valkey.endpoint import Endpoint as Endpoint
from app.gateways.valkey.endpoint import Replies as Replies
from app.gateways.valkey.faults import ValkeyUnavailable as ValkeyUnavailable
