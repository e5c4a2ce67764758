import pytest
from django.contrib.auth import authenticate
from django.contrib.auth.models import User

from recibo.operations.first_run import ensure_user

pytestmark = pytest.mark.django_db


def test_the_first_user_can_log_in_and_may_do_everything():
    credentials = ensure_user()

    assert credentials is not None
    user = authenticate(username=credentials.name, password=credentials.password)
    assert user is not None
    assert user.is_staff
    assert user.is_superuser


def test_the_second_run_makes_nobody_and_keeps_the_password():
    credentials = ensure_user()

    assert ensure_user() is None
    assert authenticate(username=credentials.name, password=credentials.password) is not None
    assert User.objects.count() == 1


def test_a_console_that_has_a_user_gets_no_other():
    User.objects.create_user("maria")

    assert ensure_user() is None
    assert not User.objects.filter(username="admin").exists()


def test_each_installation_has_a_password_of_its_own():
    first = ensure_user()
    User.objects.all().delete()

    assert ensure_user().password != first.password
