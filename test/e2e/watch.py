"""A page in Python: watches a code with Debian's websockets package, and prints the messages.

usage: watch.py ws://…/api/v2/qrcode/ws?random=… BROWSER_KEY
Prints a line of JSON for each message, and {"closed": code} at the end.
"""

import asyncio
import json
import sys

import websockets


async def watch(address: str, key: str) -> None:
    async with websockets.connect(address, subprotocols=["scanlogin.v1", f"key.{key}"]) as socket:
        if socket.subprotocol != "scanlogin.v1":
            raise SystemExit(f"the server speaks {socket.subprotocol}")
        try:
            while True:
                print(json.dumps(json.loads(await socket.recv())), flush=True)
        except websockets.ConnectionClosed as end:
            print(json.dumps({"closed": end.code}), flush=True)


asyncio.run(asyncio.wait_for(watch(sys.argv[1], sys.argv[2]), timeout=30))
