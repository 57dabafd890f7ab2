"""The Realtime API of OpenAI on a WebSocket, in the shape of its public documentation.

`python realtime.py` prints the port as one line and ends with its standard input. It takes one secret key, tells about the
session, and answers each `response.create` with the text of the last message, in pieces.
"""

import json
import sys
import threading
from urllib.parse import parse_qs, urlsplit

from websockets.exceptions import ConnectionClosed
from websockets.sync.server import serve

KEY = sys.argv[1]


def event(kind, **members):
    return json.dumps({"type": kind, "event_id": f"event_{kind}", **members})


def refused(connection, request):
    if request.headers.get("authorization") != f"Bearer {KEY}":
        return connection.respond(401, json.dumps({"error": {"message": "Incorrect API key provided"}}))
    return None


def session(connection):
    address = urlsplit(connection.request.path)
    model = parse_qs(address.query)["model"][0]
    connection.send(event("session.created", session={"type": "realtime", "object": "realtime.session", "model": model,
                                                      "path": address.path}))
    said = ""
    for text in connection:
        asked = json.loads(text)
        if asked["type"] == "conversation.item.create":
            said = asked["item"]["content"][0]["text"]
        elif asked["type"] == "response.create":
            of = {"response_id": "resp_1", "item_id": "item_1", "output_index": 0, "content_index": 0}
            for word in said.split():
                connection.send(event("response.output_text.delta", delta=word, **of))
            connection.send(event("response.done", response={"id": "resp_1", "object": "realtime.response",
                                                             "status": "completed", "output": []}))


def handle(connection):
    try:
        session(connection)
    except ConnectionClosed:
        pass  # The client left without saying so.


with serve(handle, "127.0.0.1", 0, process_request=refused) as server:
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.socket.getsockname()[1], flush=True)
    sys.stdin.read()
