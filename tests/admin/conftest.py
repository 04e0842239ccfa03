"""Users of each kind, logged in."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.test import Client

from tests.sync.conftest import post, send  # noqa: F401


def make_client(*groups: str, superuser: bool = False, **user_fields) -> Client:
    """Return a client of a new user in these groups, who may enter the admin."""
    name = user_fields.pop("username", "-".join(groups) or ("root" if superuser else "bare"))
    user = User.objects.create_user(name, is_superuser=superuser, **user_fields)
    user.groups.add(*Group.objects.filter(name__in=groups))
    user.user_permissions.add(Permission.objects.get(codename="access_admin"))
    client = Client()
    client.force_login(user)
    client.user = user
    return client


@pytest.fixture
def root(db) -> Client:
    return make_client(superuser=True)


@pytest.fixture
def editor(db) -> Client:
    return make_client("Course editors")


@pytest.fixture
def publisher(db) -> Client:
    return make_client("Course publishers")


@pytest.fixture
def administrator(db) -> Client:
    return make_client("LMS administrators")
