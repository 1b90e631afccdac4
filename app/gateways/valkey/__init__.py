"""The Valkey gateway: short commands that wait for nobody, and a line that listens. All of it may fail at any time.

Only this package knows the redis package, and imports it when VALKEY_URL is set: it takes 5 MB and 0.1 s. Commands go
to one server, the primary, not to the nodes of a cluster.
"""

from app.gateways.valkey.client import CALL_SECONDS as CALL_SECONDS
from app.gateways.valkey.client import REST_SECONDS as REST_SECONDS
from app.gateways.valkey.client import Valkey as Valkey
from app.gateways.valkey.client import open_valkey as open_valkey
from app.gateways.valkey.subscriber import Subscriber as Subscriber
from app.gateways.valkey.wire import Command as Command
from app.gateways.valkey.wire import ValkeyUnavailable as ValkeyUnavailable
