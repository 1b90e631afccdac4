"""The cost of what a command has read and written, for its last line."""

from app.cli.capacity.pricing import Prices
from app.gateways.dynamodb.consumed import Consumed


def cost(consumed: Consumed) -> str:
    """Return the calls and the units, as the engine reports them, and their price on demand, in words."""
    price = Prices().requests(reads=consumed.read_units, writes=consumed.write_units)
    units = f"{consumed.read_units:,g} read units"
    if consumed.write_units:
        units += f", {consumed.write_units:g} write units"
    calls = f"{consumed.calls:,} call" + ("s" if consumed.calls != 1 else "")
    retries = f" {consumed.retries:,} tries met a throttle or another fault." if consumed.retries else ""
    return f"{calls}, {units}: on demand ${price * 1e6:.3f} for a million times this.{retries}"
