"""Connections to the clinic of ../setup.sql; libpq's variables say where it is."""

import os
from contextlib import contextmanager

import psycopg
import pytest


def connect(**options):
    """A connection as the application's role, unless told otherwise."""
    options.setdefault("user", "driver")
    options.setdefault("autocommit", True)
    return psycopg.connect(**options)


@contextmanager
def acting_as(connection, membership, client_ip=None):
    """A transaction under a membership, as an application would write it."""
    with connection.transaction():
        connection.execute("SELECT fhir_access.set_session(%s, %s)", (membership, client_ip))
        yield connection


def column(result):
    """The first column of every row."""
    return [row[0] for row in result.fetchall()]


@pytest.fixture
def app():
    with connect() as connection:
        yield connection


@pytest.fixture
def superuser():
    with connect(user=os.environ["PGUSER"]) as connection:
        yield connection
