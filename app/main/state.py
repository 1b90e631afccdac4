"""The lifespan state: what a process opens once, under the names by which dependencies of routes take it."""

from app.auth.issuer import LocalIssuer
from app.cache import Caches
from app.concurrency import TaskSet
from app.gateways.dynamodb import Table
from app.gateways.postgres import Postgres
from app.http.context import EdgeState
from app.messaging.blocks import Blocks
from app.messaging.catchup import Catchup
from app.messaging.changes import Changes
from app.messaging.groups.service import Groups
from app.messaging.my_view.service import MyView
from app.messaging.receipts import Receipts
from app.messaging.requests.service import Requests
from app.messaging.service import Messaging
from app.messaging.settings.service import UserSettingsService
from app.messaging.unread import UnreadCounter
from app.messaging.views import Views
from app.moderation.service import Reports
from app.personal_data.erasures import Erasures
from app.personal_data.export import Export
from app.realtime.hub import Hub
from app.realtime.leases import StreamLeases
from app.realtime.presence.service import PeerPresence
from app.users.service import Users


class State(EdgeState):
    """All that the process owns. `state_of` reads the part that the HTTP edge uses itself."""

    table: Table
    postgres: Postgres
    tasks: TaskSet
    users: Users
    messaging: Messaging
    blocks: Blocks
    groups: Groups
    requests: Requests
    changes: Changes
    receipts: Receipts
    settings: UserSettingsService
    my_view: MyView
    catchup: Catchup
    views: Views
    hub: Hub
    presence: PeerPresence
    unread: UnreadCounter
    caches: Caches
    erasures: Erasures
    export: Export
    export_leases: StreamLeases
    issuer: LocalIssuer | None
    reports: Reports
