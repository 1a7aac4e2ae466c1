"""Databases with the clinic of clinic.sql, made for one test each; libpq's variables say on which server."""

import os
import subprocess
from pathlib import Path

import psycopg
import pytest

pytest_plugins = ["audit_log"]

CLINIC = Path(__file__).with_name("clinic.sql").read_text(encoding="utf-8")
SUPERUSER = os.environ["PGUSER"]

PATIENTS = "SELECT id FROM patient ORDER BY length(id), id"
DOCTOR = ["p1", "p4", "p7", "p10", "p13", "p16", "p19", "p22", "p25", "p28"]
PATIENT = ["p7"]
EVERYBODY = [f"p{number}" for number in range(1, 31)]


def connect(database, user=SUPERUSER, **options):
    return psycopg.connect(dbname=database, user=user, autocommit=True, **options)


def column(result):
    return [row[0] for row in result.fetchall()]


def refused(connection, statement, sqlstate):
    """Checks that a statement is refused, and returns the error."""
    with pytest.raises(psycopg.Error) as caught:
        connection.execute(statement)
    assert caught.value.sqlstate == sqlstate, caught.value
    return caught.value


def run(*command, options=""):
    """Runs one of PostgreSQL's programs, with options for its sessions."""
    environment = os.environ | {"PGOPTIONS": options}
    return subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False, env=environment)


def create_database(name):
    with connect("postgres") as server:
        server.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        server.execute(f"CREATE DATABASE {name} TEMPLATE template0")
    return name


def drop_database(name):
    with connect("postgres") as server:
        server.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@pytest.fixture
def clinic():
    """The name of a database with the clinic."""
    name = create_database("operations_clinic")
    with connect(name) as superuser:
        superuser.execute(CLINIC)
    yield name
    drop_database(name)


@pytest.fixture
def superuser(clinic):
    with connect(clinic) as connection:
        yield connection


@pytest.fixture
def attendant(clinic):
    """The application's role, with no membership yet."""
    with connect(clinic, "attendant") as connection:
        yield connection


@pytest.fixture
def doctor(attendant):
    """The application's role, acting for the doctor."""
    attendant.execute("SET fhir_access.membership = 'doctor'")
    return attendant
