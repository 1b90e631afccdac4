"""Reports, and the log of reads, which is written before a command shows anything of a conversation."""

import json
import os
import pwd
from pathlib import Path
from typing import Any

import pytest

from app.cli.main import COMMANDS
from app.messaging.models import direct_group_uuid
from app.moderation.store import ReportStore
from tests.cli.conftest import Place
from tests.fixtures.app import NewPerson, Person, Service
from tests.tools.command import Ended

OS_USER = pwd.getpwuid(os.getuid()).pw_name
OF_SOME = (
    "get-conversation juniper osman",
    "list-conversations juniper",
    "export juniper osman",
    "export --user osman",
    "users export osman",
    "blocks osman",
)
OF_ALL = ("scan --limit 3", "verify", "export --all")
SHOW_NO_MESSAGES = {
    "schema-load", "list-tables", "describe", "drop", "import", "import-bootcamp", "seed", "list-users",
    "update-cognito-user-ids", "token", "audit", "migrate", "rollback", "migrations", "capacity", "doctor",
    "openapi", "erase", "purge",
}  # fmt: skip


def test_each_command_shows_no_messages_or_is_tested_here() -> None:
    tested = {command.split()[0] for command in OF_SOME + OF_ALL} | {"reports", "members"}
    assert tested | SHOW_NO_MESSAGES == COMMANDS.keys()
    assert not tested & SHOW_NO_MESSAGES


async def reads(place: Place, handle: str) -> list[dict[str, Any]]:
    return (await place.done("audit", "list", handle, "--limit", "1000", "--json")).records


@pytest.mark.parametrize("command", OF_SOME + OF_ALL)
async def test_a_read_is_logged_for_the_people_concerned(stock: Place, ann: Person, command: str, request: Any) -> None:
    reason = f"asked to {request.node.name}"
    await stock.done(*command.split(), "--reason", reason, "--as", "Dana")
    found = {
        handle: [each for each in await reads(stock, handle) if each["reason"] == reason]
        for handle in ("osman", ann.handle)
    }
    [entry] = found["osman"]
    assert (entry["operator"], entry["os_user"], entry["is_of_all"]) == ("Dana", OS_USER, command in OF_ALL)
    assert entry["command"].startswith(command)
    assert len(found[ann.handle]) == (command in OF_ALL), "a user that was not concerned"


@pytest.mark.parametrize("command", OF_SOME + OF_ALL)
async def test_nothing_is_shown_that_cannot_be_logged(stock: Place, command: str, tmp_path: Path) -> None:
    url = stock.environment["DATABASE_URL"]
    read_only = f"{url}{'&' if '?' in url else '?'}options=-c%20default_transaction_read_only%3Don"
    arguments = [*command.split(), *(["--output", str(tmp_path / "out")] if command.startswith("export") else [])]
    ended = await stock.run(*arguments, DATABASE_URL=read_only)
    assert (ended.code, ended.out) == (3, ""), ended
    assert "harvest" not in ended.err
    assert all(entry.stat().st_size == 0 for entry in os.scandir(tmp_path))


async def test_off_this_machine_a_reason_is_needed(stock: Place) -> None:
    for command in (*OF_SOME, *OF_ALL, "reports show 1"):
        ended = await stock.run(*command.split(), "--reason", " ", ENVIRONMENT="production")
        assert (ended.code, ended.out) == (2, ""), ended
        assert "--reason" in ended.complaint
    await stock.done("get-conversation", "juniper", "osman", "--reason", "x", ENVIRONMENT="production")


async def test_a_group_by_its_uuid_names_both_members(stock: Place) -> None:
    users = {each["handle"]: each for each in (await stock.done("list-conversations", "juniper", "--json")).records}
    group = users["osman"]["message_group_uuid"]
    await stock.done("get-conversation", group, "--limit", "1", "--reason", "by uuid")
    for handle in ("juniper", "osman"):
        newest = (await reads(stock, handle))[0]
        assert (newest["reason"], newest["message_group_uuid"]) == ("by uuid", group)


async def reported(service: Service, ann: Person, bob: Person, text: str) -> int:
    """Have Ann report Bob and his message, and return the number of the latter's report."""
    message = await bob.sent(text, ann)
    place = {"message_group_uuid": message["message_group_uuid"], "number": message["number"]}
    for target in ({"handle": bob.handle}, place):
        answer = await ann.client.post("/api/reports", json={"reason": "threat", "note": "Look\x1b[31m", **target})
        assert answer.status_code == 200, answer.text
    await bob.client.delete(f"/api/messages/{place['message_group_uuid']}/{place['number']}")
    found = await ReportStore(service.state["postgres"]).open_reports(limit=10_000)
    [number] = [each.id for each, _ in found if each.target.user_uuid == bob.uuid and each.target.number]
    return number


async def test_a_report_is_listed_shown_and_closed(
    engines: Place, service: Service, ann: Person, bob: Person, new_person: NewPerson
) -> None:
    number, eve = await reported(service, ann, bob, "canary \x1b[31m of Bob"), await new_person("eve")
    listed = await engines.done("reports", "list", "--limit", "10000", "--json")
    of_bob = [each for each in listed.records if each["reported"] == bob.handle]
    assert [(each["of_user"], each["reporter"], each["number"]) for each in of_bob] == [
        (2, ann.handle, None),
        (2, ann.handle, 1),
    ]
    assert "canary" not in listed.out + (await engines.done("reports", "list")).out

    shown = await engines.done("reports", "show", str(number), "--reason", "review", "--as", "Dana")
    assert "canary \\u001b[31m of Bob" in shown.out
    assert ("Reason: threat. Look\\u001b[31m" in shown.out, "\x1b" in shown.out) == (True, False)
    assert "canary" not in shown.err
    [record] = (await engines.done("reports", "show", str(number), "--json")).records
    assert record["messages"][0]["message"] == "canary \x1b[31m of Bob"
    await assert_logged(engines, {"Dana": ann, "review": bob}, eve, str(direct_group_uuid(ann.uuid, bob.uuid)))

    closed = await engines.done("reports", "close", str(number), "--note", "Warned", "--as", "Dana")
    assert f"Report {number} is closed now." in closed.out
    again = await engines.done("reports", "close", str(number), "--json")
    assert again.records == [{"id": number, "changed": False}]
    listed = await engines.done("reports", "list", "--limit", "10000", "--json")
    assert [each["of_user"] for each in listed.records if each["reported"] == bob.handle] == [1]
    listed = await engines.done("reports", "list", "--closed", "--limit", "10000", "--json")
    [entry] = [each for each in listed.records if each["id"] == number]
    assert (entry["closed_by"], entry["closing_note"]) == ("Dana", "Warned")


async def assert_logged(place: Place, people: dict[str, Person], other: Person, group: str) -> None:
    for person in people.values():
        entries = [each for each in await reads(place, person.handle) if not each["is_of_all"]]
        assert [each["message_group_uuid"] for each in entries] == [group, group]
        assert (entries[1]["operator"], entries[1]["reason"]) == ("Dana", "review")
        assert "canary" not in json.dumps(entries)
    assert [each for each in await reads(place, other.handle) if not each["is_of_all"]] == []
    table = await place.done("audit", "list", people["review"].handle)
    assert f"Dana ({OS_USER})" in table.out


async def test_closed_reports_are_removed_by_the_next_command(
    engines: Place, service: Service, ann: Person, bob: Person
) -> None:
    number = await reported(service, ann, bob, "one")
    await engines.done("reports", "close", str(number))
    await service.state["postgres"].fetch(
        "UPDATE reports SET closed_at = now() - interval '49 hours' WHERE id = $1", number
    )
    await engines.done("reports", "show", str(number))
    await engines.done("reports", "list", REPORT_RETENTION_DAYS="2")
    ended: Ended = await engines.run("reports", "show", str(number))
    assert (ended.code, ended.complaint) == (1, f"cruddur: There is no report {number}.")
