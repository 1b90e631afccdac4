"""A server that answers every POST at once with 20 items, as DynamoDB writes them."""

import json
import sys
import zlib

from aiohttp import web

ITEM = {
    "pk": {"S": "MSG#0193e1c4-a8f0-7d6e-9b1f-2f6c1c1d7a10"},
    "sk": {"S": "N#000000000001"},
    "id": {"B": "AZPhxKjwfW6bHy9sHB16EA=="},
    "by": {"B": "AZPhxKjwfW6bHy9sHB16EA=="},
    "at": {"N": "1764000000000"},
    "text": {"S": "x" * 200},
}
ANSWER = json.dumps({"Items": [ITEM] * 20, "Count": 20, "ScannedCount": 20}, separators=(",", ":")).encode()
HEADERS = {"content-type": "application/x-amz-json-1.0", "x-amz-crc32": str(zlib.crc32(ANSWER))}


async def answer(request: web.Request) -> web.Response:
    await request.read()
    return web.Response(body=ANSWER, headers=HEADERS)


async def is_ready(_: web.Request) -> web.Response:
    return web.Response()


def make_app() -> web.Application:
    app = web.Application()
    app.router.add_post("/", answer)
    app.router.add_get("/", is_ready)
    return app


if __name__ == "__main__":
    web.run_app(make_app(), host="127.0.0.1", port=int(sys.argv[1]), print=None, access_log=None)
