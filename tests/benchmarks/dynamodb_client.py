"""CPU of the service's DynamoDB client on a Query of 20 items, against aioboto3 as it comes.

.venv/bin/python -m tests.benchmarks.dynamodb_client
"""

import asyncio
import json
import multiprocessing
import statistics
import time
from multiprocessing.queues import Queue
from typing import Any

from aiohttp import web

from app.gateways.dynamodb.client import open_client
from app.settings import Settings

ROUNDS = 9
CALLS = 200
ITEM = {
    "pk": {"S": "MSG#0193e1c4-a8f0-7d6e-9b1f-2f6c1c1d7a10"},
    "sk": {"S": "N#000000000001"},
    "id": {"B": "AZPhxKjwfW6bHy9sHB16EA=="},
    "by": {"B": "AZPhxKjwfW6bHy9sHB16EA=="},
    "at": {"N": "1764000000000"},
    "text": {"S": "x" * 200},
}
ANSWER = json.dumps({"Items": [ITEM] * 20, "Count": 20, "ScannedCount": 20}).encode()


async def _answer(request: web.Request) -> web.Response:
    await request.read()
    return web.Response(body=ANSWER, content_type="application/x-amz-json-1.0")


async def _serve(port: "Queue[int]") -> None:
    app = web.Application()
    app.router.add_post("/", _answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port.put(runner.addresses[0][1])
    await asyncio.Event().wait()


def _server(port: "Queue[int]") -> None:
    asyncio.run(_serve(port))


async def _seconds(client: Any) -> float:
    started = time.process_time()
    for _ in range(CALLS):
        await client.query(
            TableName="table",
            KeyConditionExpression="#pk = :pk",
            ExpressionAttributeNames={"#pk": "pk"},
            ExpressionAttributeValues={":pk": {"S": "x"}},
        )
    return (time.process_time() - started) / CALLS


async def _compare(port: int) -> None:
    settings = Settings(
        environment="test",
        database_url="postgresql://unused@127.0.0.1/unused",
        dynamodb_endpoint_url=f"http://127.0.0.1:{port}",
        cognito_issuer_url="https://unused.example.com",
        cognito_client_ids=("unused",),
    )
    stock = settings.model_copy(update={"dynamodb_client": "aioboto3"})
    async with open_client(settings) as quick, open_client(stock) as plain:
        pairs = [(await _seconds(quick), await _seconds(plain)) for _ in range(ROUNDS)][1:]
    ours, theirs = (statistics.median(side) * 1e6 for side in zip(*pairs, strict=True))
    ratio = statistics.median(one / other for one, other in pairs)
    print(f"ours {ours:.0f} µs, aioboto3 as it comes {theirs:.0f} µs of CPU per Query; ratio {ratio:.2f} (bar 0.4)")


def main() -> None:
    """Print both sides and their ratio."""
    port: Queue[int] = multiprocessing.Queue()
    server = multiprocessing.Process(target=_server, args=(port,), daemon=True)
    server.start()
    asyncio.run(_compare(port.get(timeout=10)))
    server.terminate()


if __name__ == "__main__":
    main()
