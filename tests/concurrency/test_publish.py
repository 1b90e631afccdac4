"""Publishing to several listeners."""

from app.concurrency.publish import discard_events, fan_out


async def test_each_listener_gets_all_events_in_the_order_of_the_listeners() -> None:
    calls: list[tuple[str, tuple[object, ...]]] = []

    async def first(*events: object) -> None:
        calls.append(("first", events))

    async def second(*events: object) -> None:
        calls.append(("second", events))

    await fan_out(first, discard_events, second)("one", "two")
    assert calls == [("first", ("one", "two")), ("second", ("one", "two"))]
