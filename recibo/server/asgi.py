"""The ASGI application, for any ASGI server: ``recibo.server.asgi:application``."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "recibo.server.settings")
django = get_asgi_application()

from recibo.server import entry  # noqa: E402  # its models need Django set up first

application = entry.Entry(receiver=entry.receiver(), django=django)
