"""The seeded people and conversations obey the service's own rules and never change by themselves."""

import re
import subprocess
import sys
import unicodedata
from collections import Counter
from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise

import pytest

from app.cli.changed_messages import with_change
from app.cli.seed.conversations import CONVERSATIONS, PEOPLE, Conversation, parse, timeline
from app.cli.seed.stock import planned_changes, planned_messages
from app.messaging.models import ChangeType
from app.messaging.reactions import require_emoji
from app.messaging.requests.store import MAX_MESSAGES

END = datetime(2026, 11, 24, 9, 30, 17, 123_456, UTC)
LONG = CONVERSATIONS[0]
TEXTS = [line.text for conversation in CONVERSATIONS for line in conversation.lines]

every_conversation = pytest.mark.parametrize(
    "conversation", CONVERSATIONS, ids=["-".join(each.between) for each in CONVERSATIONS]
)


class TestPeople:
    def test_five_people_have_valid_handles(self) -> None:
        assert len(PEOPLE) == 5
        for person in PEOPLE:
            assert re.fullmatch(r"[a-z0-9_]{3,30}", person.handle)
            assert 1 <= len(person.display_name.strip()) <= 50
            assert re.fullmatch(r"[a-z.]+@([a-z]+\.)?example\.(com|org)", person.email)

    def test_all_ids_differ(self) -> None:
        ids = [str(person.uuid) for person in PEOPLE] + [person.cognito_user_id for person in PEOPLE]
        ids += [str(each.message_uuid(n + 1)) for each in CONVERSATIONS for n in range(len(each.lines))]
        ids += [str(each.change_uuid(n + 1)) for each in CONVERSATIONS for n in range(10)]
        assert len(set(ids)) == len(ids)
        assert len({person.handle for person in PEOPLE}) == len({person.email for person in PEOPLE}) == len(PEOPLE)

    def test_each_person_sends_and_receives(self) -> None:
        assert {line.by for each in CONVERSATIONS for line in each.lines} == {person.handle for person in PEOPLE}

    def test_the_first_person_has_three_groups_and_unread_messages(self) -> None:
        first = PEOPLE[0].handle
        unread = [each.unread[first] for each in CONVERSATIONS if first in each.between and not each.is_request]
        assert sorted(unread) == [0, 1, 3]

    def test_the_first_person_has_a_request(self) -> None:
        [request] = [each for each in CONVERSATIONS if each.is_request]
        assert request.between == (PEOPLE[-1].handle, PEOPLE[0].handle)
        assert len(request.lines) <= MAX_MESSAGES


class TestConversations:
    def test_the_first_conversation_is_long_and_the_others_are_short(self) -> None:
        assert len(LONG.lines) >= 100
        assert all(4 <= len(each.lines) <= 12 for each in CONVERSATIONS[1:] if not each.is_request)

    def test_each_pair_has_one_conversation(self) -> None:
        pairs = Counter(frozenset(each.between) for each in CONVERSATIONS)
        assert set(pairs.values()) == {1}
        assert all(len(pair) == 2 for pair in pairs)

    @every_conversation
    def test_every_text_can_be_sent(self, conversation: Conversation) -> None:
        for line in conversation.lines:
            assert 1 <= len(line.text.strip()) <= 1024
            assert line.text == line.text.strip()
            assert "\0" not in line.text
            assert line.by in conversation.between
            line.text.encode()

    @every_conversation
    def test_unread_messages_are_the_peers(self, conversation: Conversation) -> None:
        """A sender has read the messages before its own."""
        for handle, read in conversation.read_through.items():
            assert 0 <= read <= len(conversation.lines)
            assert all(line.by != handle for line in conversation.lines[read:])

    @pytest.mark.parametrize(
        ("what", "pattern"),
        [
            ("several lines", r".+\n.+\n"),
            ("emoji only", r"[^\w\s]+"),
            ("an address", r"(?s).*https://[a-z]+\.example\.com/.*"),
            ("code", r"(?s).*\n {4}while True:\n.*"),
            ("what looks like HTML", r".*<b>not bold</b>.*"),
            ("from right to left", ".*[\u0600-\u06ff].*"),
            ("combining characters", ".*[a-z][\u0300-\u036f].*"),
            ("Japanese", ".*[\u4e00-\u9fff].*"),
        ],
    )
    def test_some_text_has_each_feature(self, what: str, pattern: str) -> None:
        assert any(re.match(pattern, text) for text in TEXTS), what

    @every_conversation
    def test_changes_are_those_that_the_service_makes(self, conversation: Conversation) -> None:
        messages = planned_messages(conversation, END)
        changes = planned_changes(conversation, messages)
        assert [change.number for change in changes] == list(range(1, len(changes) + 1))
        assert all(earlier.created_at <= later.created_at <= END for earlier, later in pairwise(changes))
        stored = dict(enumerate(messages, 1))
        for change in changes:
            message = stored[change.message_number]
            assert message.created_at < change.created_at
            assert not message.deleted_at
            if change.type is ChangeType.REACT:
                assert require_emoji(change.emoji or "") == change.emoji
                assert change.user_uuid not in message.reactions.get(change.emoji or "", ())
            else:
                assert change.user_uuid == message.user_uuid
            stored[change.message_number] = with_change(message, change)
        assert [message.text for message in stored.values()] == [
            "" if line.is_deleted else line.text for line in conversation.lines
        ]

    @every_conversation
    def test_users_react_to_what_they_have_read(self, conversation: Conversation) -> None:
        for number, line in enumerate(conversation.lines, 1):
            assert all(number <= conversation.read_through[handle] for _, handle in line.reactions)

    def test_some_messages_are_replies_and_some_were_changed(self) -> None:
        lines = [line for each in CONVERSATIONS for line in each.lines]
        assert any(line.replies_to for line in lines)
        assert any(line.is_deleted for line in lines)
        assert any(line.earlier_text and line.reactions for line in lines)
        last = [each.lines[-1] for each in CONVERSATIONS]
        assert any(line.earlier_text for line in last)

    def test_some_text_is_long_and_some_not_normalised(self) -> None:
        assert 850 <= max(map(len, TEXTS)) <= 1024
        assert any(unicodedata.normalize("NFC", text) != text for text in TEXTS)

    def test_ids_are_the_same_in_another_process(self) -> None:
        script = (
            "from app.cli.seed.conversations import CONVERSATIONS, PEOPLE;"
            "print([(p, p.uuid, p.cognito_user_id) for p in PEOPLE],"
            " [(c.lines, c.message_uuid(1)) for c in CONVERSATIONS])"
        )
        runs = {subprocess.check_output([sys.executable, "-c", script]) for _ in range(2)}
        assert len(runs) == 1


class TestTimeline:
    @every_conversation
    def test_times_rise_and_are_before_the_end(self, conversation: Conversation) -> None:
        placed = timeline(conversation, end=END)
        assert [line for line, _ in placed] == list(conversation.lines)
        assert all(earlier < later for (_, earlier), (_, later) in pairwise(placed))
        assert placed[-1][1] == END.replace(microsecond=0) - timedelta(minutes=conversation.minutes_before_end)

    def test_the_first_inbox_has_recent_activity(self) -> None:
        newest = [timeline(each, end=END)[-1][1] for each in CONVERSATIONS if PEOPLE[0].handle in each.between]
        assert all(timedelta(0) < END - at < timedelta(days=1) for at in newest)
        assert len(set(newest)) == 4

    def test_a_timeline_depends_on_its_end_only(self) -> None:
        elsewhere = END.astimezone(timezone(timedelta(hours=5, minutes=30)))
        assert timeline(LONG, end=END) == timeline(LONG, end=END) == timeline(LONG, end=elsewhere)


HEADER = "between: ann, bob\nunread: ann 0, bob 0\nended: 5m\n\n"


class TestParse:
    def test_durations_and_continued_lines_are_read(self) -> None:
        parsed = parse(HEADER + "+0m ann: One\n  |\n  |   two: three\n\n+1d2h3m bob: Four")
        assert [line.text for line in parsed.lines] == ["One\n\n  two: three", "Four"]
        assert [line.minutes_after_previous for line in parsed.lines] == [0, 1563]

    def test_marks_say_what_happened_to_a_message(self) -> None:
        first = "+0m ann: One\n  / deleted\n+1m bob: Two\n  | lines\n"
        parsed = parse(f"{HEADER}{first}  / re 1\n  / was 2\n  / 🌱 ann, bob\n  / 🥕 bob")
        one, two = parsed.lines
        assert (one.text, one.is_deleted, two.text, two.replies_to) == ("One", True, "Two\nlines", 1)
        assert (two.earlier_text, two.reactions) == ("2", (("🌱", "ann"), ("🌱", "bob"), ("🥕", "bob")))

    @pytest.mark.parametrize(
        ("source", "complaint"),
        [
            (HEADER + "+0m ann: One\n  / re 1", "line 6: neither a mark nor a reaction of ann and bob"),
            (HEADER + "+0m ann: One\n  / was", "line 6: neither a mark nor a reaction of ann and bob"),
            (HEADER + "+0m ann: One\n  / 🌱 eve", "line 6: neither a mark nor a reaction of ann and bob"),
            (HEADER + "  / deleted\n+0m ann: One", "line 5: neither a line nor its continuation"),
            ("", "header"),
            ("between: ann, bob\nended: 5m\nunread: ann 0, bob 0", "header: expected 'unread'"),
            ("between: ann, bob\nunread: ann 0\nended: 5m", "unread must name exactly ann and bob"),
            ("between: ann, bob\nunread: ann 0, bob 0\nended: soon", "'soon' is not a duration"),
            (HEADER + "+0m ann: One\n+1m eve: Two", "line 6: eve is not in this conversation"),
            (HEADER + "+0m ann: One\n+0m bob: Two", "line 6: the first line must come after"),
            (HEADER + "+5m ann: One", "line 5: the first line must come after"),
            (HEADER + "+0m ann: One\n+1w bob: Two", "line 6: '1w' is not a duration"),
            (HEADER + "+0m ann: One\nTwo", "line 6: neither a line nor its continuation"),
            (HEADER + "  | One", "line 5: neither a line nor its continuation"),
            (HEADER + "+0m ann: ", "line 5: neither a line nor its continuation"),
        ],
    )
    def test_a_wrong_dialogue_is_refused_with_its_line(self, source: str, complaint: str) -> None:
        with pytest.raises(ValueError, match=complaint):
            parse(source)
