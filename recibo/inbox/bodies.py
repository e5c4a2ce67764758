"""Reading bodies so that neither slow nor huge ones can hold memory."""

import asyncio
import contextlib
from collections.abc import Mapping

from recibo.inbox import answers
from recibo.inbox.answers import Answer, Message, Receive, Scope, Send

LARGEST = 1024 * 1024
#: Seconds for a body that does not come in one piece.
DEADLINE = 10.0
#: Bytes of all such bodies at a time. Those that come in one piece never wait for this room.
ROOM = 32 * 1024 * 1024
#: Seconds that a sender gets to read an answer given before its body was read.
LINGER = 2.0


class DeclinedError(Exception):
    """The answer is known before the body was read."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        super().__init__(answer.start["status"])


class DisconnectedError(Exception):
    """The sender went away before its body was whole."""


class Bodies:
    """The bodies that are on their way in."""

    def __init__(self) -> None:
        self.held = 0

    async def read(self, headers: Mapping[bytes, bytes], receive: Receive) -> bytes:
        """The whole body. Raises DeclinedError, DisconnectedError."""
        if int(headers.get(b"content-length", b"0")) > LARGEST:
            raise DeclinedError(answers.TOO_LARGE)
        message = await receive()
        body: bytes = message.get("body", b"")
        if message.get("more_body") or message["type"] == "http.disconnect":
            return await self.read_on(message, receive)
        if len(body) > LARGEST:
            raise DeclinedError(answers.TOO_LARGE)
        return body

    async def read_on(self, message: Message, receive: Receive) -> bytes:
        """The body that begins with ``message``, within the limits."""
        parts = Parts(self)
        try:
            async with asyncio.timeout(DEADLINE):
                while parts.take(message):
                    message = await receive()
        except TimeoutError:
            raise DeclinedError(answers.TOO_SLOW) from None
        finally:
            self.held -= parts.size
        return b"".join(parts.found)


class Parts:
    """A body in pieces."""

    def __init__(self, bodies: Bodies) -> None:
        self.bodies = bodies
        self.found: list[bytes] = []
        self.size = 0

    def take(self, message: Message) -> bool:
        """Keep one piece; whether more will come. Raises DeclinedError, DisconnectedError."""
        if message["type"] == "http.disconnect":
            raise DisconnectedError
        part: bytes = message.get("body", b"")
        self.found.append(part)
        self.size += len(part)
        self.bodies.held += len(part)
        if self.size > LARGEST:
            raise DeclinedError(answers.TOO_LARGE)
        if self.bodies.held > ROOM:
            raise DeclinedError(answers.NO_ROOM)
        return bool(message.get("more_body"))


async def decline(answer: Answer, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer before the body was read, and close.

    The rest of the body is thrown away for a moment: closing at once would reset the connection,
    and the sender would see that instead of the answer.
    """
    await send(answer.start)
    if not expects_body(scope):
        await send(answer.body)
        return
    await send({**answer.body, "more_body": True})
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(LINGER):
            while (await receive()).get("more_body"):
                pass
    await send({"type": "http.response.body", "body": b""})


def expects_body(scope: Scope) -> bool:
    """Whether the request announces a body."""
    return any(name in {b"content-length", b"transfer-encoding"} for name, _ in scope["headers"])
