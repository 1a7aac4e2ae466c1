"""A session that started without the library gets 55000, or nothing; never rows."""

import psycopg
import pytest
from conftest import connect, refused

READS = ["SELECT * FROM patient", "SELECT count(*) FROM patient", "TABLE \"The Clinic\".\"Observation's\"", "TABLE \"The Clinic\".observation_2025",
         "COPY patient TO STDOUT", "SELECT name FROM patient WHERE id = 'p7'", "WITH p AS (SELECT * FROM patient) SELECT count(*) FROM p",
         "SELECT EXISTS (SELECT FROM patient)"]  # fmt: skip
WRITES = ["UPDATE patient SET id = id", "DELETE FROM patient WHERE id = 'p1'",
          "INSERT INTO patient (id, resource) VALUES ('x', '{\"resourceType\": \"Patient\", \"id\": \"x\"}')"]  # fmt: skip


@pytest.fixture
def unloaded(clinic):
    with connect(clinic, "unloaded") as connection:
        refused(connection, "SHOW fhir_access.client_ip", "42704")  # it knows nothing of the extension
        yield connection


def is_refused(connection):
    for statement in READS + WRITES:
        error = refused(connection, statement, "55000")
        assert "session_preload_libraries" in error.diag.message_hint, statement


def test_nothing_without_the_library(unloaded):
    is_refused(unloaded)


def test_nothing_when_the_library_comes_late(unloaded):
    is_refused(unloaded)
    # Any function of ours loads it, too late; the tables stay closed, and so they do for whoever says who they are.
    unloaded.execute("SELECT * FROM fhir_access.session()")
    is_refused(unloaded)
    refused(unloaded, "SET fhir_access.membership = 'doctor'", "42501")


def test_a_membership_that_was_set_before_the_library_came(unloaded):
    # Until then the name means nothing to the server, and anybody may set it.
    unloaded.execute("SET fhir_access.membership = 'doctor'")
    is_refused(unloaded)
    unloaded.execute("SELECT * FROM fhir_access.session()")
    is_refused(unloaded)


def test_an_empty_plan_cache_is_not_a_way_round(unloaded):
    with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState):
        unloaded.execute("PREPARE rows AS SELECT * FROM patient")
        unloaded.execute("EXECUTE rows")


def test_tables_cannot_be_protected_from_such_a_session(clinic, superuser):
    superuser.execute("CREATE TABLE practitioner (id text PRIMARY KEY, resource jsonb NOT NULL)")
    with connect(clinic, options="-c session_preload_libraries=plpgsql") as administrator:
        error = refused(administrator, "SELECT fhir_access.protect('practitioner', 'Practitioner')", "55000")
        assert "session_preload_libraries" in error.diag.message_hint
        assert administrator.execute("SELECT relrowsecurity FROM pg_class WHERE relname = 'practitioner'").fetchone() == (False,)
        # A superuser passes row security as ever.
        assert administrator.execute("SELECT count(*) FROM patient").fetchone() == (30,)
