"""Dependencies that several modules of routes on messaging take."""

from typing import Annotated

from app.http.deps import from_state
from app.messaging.my_view.service import MyView
from app.messaging.receipts import Receipts
from app.messaging.service import Messaging
from app.messaging.views import Views

MessagingDep = Annotated[Messaging, from_state("messaging")]
ReceiptsDep = Annotated[Receipts, from_state("receipts")]
MyViewDep = Annotated[MyView, from_state("my_view")]
ViewsDep = Annotated[Views, from_state("views")]
