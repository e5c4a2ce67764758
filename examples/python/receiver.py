"""Receives Recibo's messages: verifies, takes each once, answers quickly.

pip install standardwebhooks
RECIBO_SECRET=whsec_… python receiver.py 8080
"""

import os
import sqlite3
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from standardwebhooks import Webhook

WEBHOOK = Webhook(os.environ["RECIBO_SECRET"])
DATABASE = os.environ.get("DATABASE", "messages.db")


def keep(message_id: str, message: dict) -> None:
    """Keep a message, and act on it, in one transaction: what comes again changes nothing."""
    with sqlite3.connect(DATABASE) as database:
        database.execute("create table if not exists seen (id text primary key)")
        if database.execute("insert or ignore into seen values (?)", [message_id]).rowcount:
            print(f"{message['type']} {message_id}", flush=True)  # your own code comes here


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        try:
            message = WEBHOOK.verify(body, dict(self.headers.items()))
        except Exception:  # one error of the library for a wrong signature, others for a broken one
            self.answer(401)
        else:
            keep(self.headers["webhook-id"], message)
            self.answer(204)  # only now: what is not kept is sent again

    def answer(self, status: int) -> None:
        self.send_response(status)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Receiver).serve_forever()
