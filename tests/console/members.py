"""People who log in."""

from django.contrib.auth.models import Permission, User
from django.test import Client


def member(*permissions: str, of: str = "billing") -> Client:
    """Somebody who logged in and may do this."""
    ana = User.objects.create_user("ana", is_staff=True)
    ana.user_permissions.set(
        Permission.objects.filter(codename__in=permissions, content_type__app_label=of)
    )
    client = Client(headers={"accept-language": "en"})
    client.force_login(ana)
    return client
