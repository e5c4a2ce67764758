"""The embedded PostgreSQL: one server for each data directory, shared by all processes that use it.

A wheel brings the binaries; nothing else of that wheel is used. Three files beside the data
directory go with it: ``.lock`` (held while the server is started or stopped), ``.users`` (a shared
lock for each process that uses the server; the kernel drops it even after kill -9) and ``.log``.
The last process to leave stops the server. One that is killed leaves it running for the next.

PostgreSQL refuses to run as root. Root starts it as the owner of the data, else of the folder
around it, else as the system's user ``recibo`` (made on first use) or ``nobody``.

Read ``sharing`` first, which says what happens, then what it is made of; imports go the same way:
``running`` and ``liveness``, ``initialising``, ``programs``, ``files``, ``places``, ``owners``.
"""

from recibo.server.embedded.errors import EmbeddedError
from recibo.server.embedded.files import write
from recibo.server.embedded.liveness import accepts, is_alive, postmaster
from recibo.server.embedded.places import SOCKET, location, socket_folder, url
from recibo.server.embedded.running import stop
from recibo.server.embedded.sharing import WATCH_BEAT, Server, attach

__all__ = [
    "SOCKET",
    "WATCH_BEAT",
    "EmbeddedError",
    "Server",
    "accepts",
    "attach",
    "is_alive",
    "location",
    "postmaster",
    "socket_folder",
    "stop",
    "url",
    "write",
]
