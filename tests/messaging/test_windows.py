"""Windows, compared with slices of a list."""

from hypothesis import given
from hypothesis import strategies as st

from app.messaging.windows import Window

ENDS = st.integers(1, 60)
NUMBERS = st.integers(1, 80)
LIMITS = st.integers(1, 30)
ANYWHERE = st.one_of(
    st.builds(Window.newest, LIMITS),
    st.builds(Window.before, NUMBERS, LIMITS),
    st.builds(Window.after, NUMBERS, LIMITS),
    st.builds(Window.around, NUMBERS, LIMITS),
)
WINDOWS = ANYWHERE | st.builds(Window.above, ANYWHERE, ENDS)


def numbers_in(window: Window, end: int) -> list[int]:
    """The numbers of a complete log of 1..end in this window, whose reader sees none up to its floor."""
    if window.first is None:
        return list(range(window.floor + 1, end + 1))[-window.limit :]
    return [number for number in range(1, end + 1) if window.first <= number <= window.last]


@given(WINDOWS, ENDS)
def test_a_full_page_is_complete(window: Window, end: int) -> None:
    page = numbers_in(window, end)
    assert len(page) <= window.limit
    assert window.is_complete(page, end=end)


@given(WINDOWS, ENDS, st.data())
def test_a_page_that_lacks_a_number_is_not_complete(window: Window, end: int, data: st.DataObject) -> None:
    page = numbers_in(window, end)
    if page:
        page.remove(data.draw(st.sampled_from(page)))
        assert not window.is_complete(page, end=end)


@given(WINDOWS, ENDS)
def test_neighbours_touch_the_page_without_overlapping(window: Window, end: int) -> None:
    page = numbers_in(window, end)
    for direction, number in window.neighbours(page, end=end).values():
        make = Window.before if direction == "before" else Window.after
        neighbour = numbers_in(make(number, window.limit).above(window.floor), end)
        assert neighbour
        if page:
            assert not set(neighbour) & set(page)
            assert neighbour[-1] + 1 == page[0] if direction == "before" else page[-1] + 1 == neighbour[0]


@given(WINDOWS, ENDS)
def test_every_message_outside_the_page_is_in_a_neighbours_direction(window: Window, end: int) -> None:
    page = numbers_in(window, end)
    directions = {direction for direction, _ in window.neighbours(page, end=end).values()}
    if page:
        assert ("before" in directions) == (page[0] > window.floor + 1)
        assert ("after" in directions) == (page[-1] < end)
