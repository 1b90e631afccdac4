"""Time from the sender's Enter until the message stands in the other browser's page.

    .venv/bin/python -m tests.benchmarks.page

Two browsers, one service process, engines of their own. Both clocks are the machine's. Aim: a median of 300 ms on an
idle machine.
"""

import asyncio
import signal
import statistics
import tempfile
from contextlib import ExitStack
from pathlib import Path

from playwright.async_api import expect

from app.cli.seed.conversations import PEOPLE
from app.cli.seed.stock import seed_if_empty
from app.settings import Settings
from migrations.dynamodb_table import create_table
from migrations.postgres import migrate
from scripts.engines.dynamodb import local_dynamodb
from scripts.engines.postgres import Postgres
from scripts.engines.process import stop_all
from tests.fixtures.engines import database_of
from tests.web.browsing import Visitor, launch_browser, local_server, open_visits

MESSAGES = 50
NOTE_SENDING = """() => addEventListener("keydown", (event) => {
  if (event.key === "Enter") window.sentAt = Date.now();
}, true)"""
NOTE_ARRIVAL = """() => {
  window.arrivedAt = {};
  new MutationObserver(() => {
    const text = [...document.querySelectorAll("[data-number] .text")].at(-1)?.textContent;
    window.arrivedAt[text] ??= Date.now();
  }).observe(document.querySelector(".feed"), { childList: true, subtree: true });
}"""


async def measure(settings: Settings, folder: Path) -> list[int]:
    """Milliseconds of each message."""
    await create_table(settings)
    await seed_if_empty(settings)
    server = local_server(settings)
    await server.start()
    try:
        async with launch_browser(folder) as browser, open_visits(browser, server.address) as visit:
            one, other = [await visit(person) for person in PEOPLE[:2]]
            for visitor, peer in ((one, other), (other, one)):
                await visitor.open()
                await visitor.groups.get_by_text(peer.person.display_name).click()
                await expect(visitor.page.locator("article").first).to_be_visible()
            await one.run(NOTE_SENDING)
            await other.run(NOTE_ARRIVAL)
            return [await one_message(one, other, f"Message {n}") for n in range(MESSAGES)]
    finally:
        await server.stop(signal.SIGKILL)


async def one_message(one: Visitor, other: Visitor, text: str) -> int:
    await one.write(text)
    await expect(other.message(text)).to_be_visible()
    return int(await other.run("(text) => window.arrivedAt[text]", text)) - int(await one.run("window.sentAt"))


def main() -> None:
    """Start engines, measure, stop them."""
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        folder.chmod(0o711)
        engines = local_dynamodb(folder), Postgres(folder)
        stack.callback(stop_all, engines)
        for engine in engines:
            engine.start()
        for engine in engines:
            engine.wait_until_ready()
        migrate(database_of(engines[1].address))
        settings = Settings(
            environment="test",
            data_dir=folder,
            database_url=engines[1].address,
            dynamodb_endpoint_url=engines[0].address,
            cognito_issuer_url="http://127.0.0.1:1/local",
            cognito_client_ids=("local",),
            allowances={"*": 1_000_000},
        )
        taken = sorted(asyncio.run(measure(settings, folder)))
    print(f"{len(taken)} messages: median {statistics.median(taken):.0f} ms, slowest {taken[-1]} ms")


if __name__ == "__main__":
    main()
