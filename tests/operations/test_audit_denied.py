"""The audit trail: what is refused."""

import json

import psycopg
import pytest
from audit_log import details, interaction, patient, target
from conftest import connect, refused

SECRET = "Kleopatra-7"


def test_a_refused_write_names_the_entries(audited, session):
    log = audited("denied")
    ruled = session("ruled")
    with pytest.raises(psycopg.errors.InsufficientPrivilege), ruled.transaction():
        ruled.execute("UPDATE patient SET id = id WHERE id = 'p2'")
    event = log.event()
    assert (interaction(event), target(event["entity"][0]), event["outcome"]) == ("update", "Patient/p2", "4")
    assert event["entity"][0]["name"] == "public.patient"
    assert details(event, "entry") == ["AccessPolicy/rules resource[0]"]
    assert event["outcomeDesc"].startswith("42501: The stored row matches no entry that grants update")
    assert event["agent"][0]["altId"] == "ProjectMembership/ruled"
    assert "policy" not in event["agent"][0]  # nothing was authorized


def test_a_refused_write_names_the_constraint(audited, session):
    log = audited("denied")
    refused(session("ruled"), "UPDATE patient SET id = id WHERE id = 'p1'", "42501")
    event = log.event()
    assert details(event, "entry") == ["AccessPolicy/rules resource[0]"]
    assert details(event, "constraint") == ["AccessPolicy/rules resource[0].writeConstraint[0]"]
    assert "active or not" in event["outcomeDesc"]
    assert event["entity"][0]["name"] == "public.patient"


def test_create_and_delete_that_are_refused(audited, session):
    log = audited("denied")
    ruled = session("ruled")
    refused(ruled, f"INSERT INTO patient VALUES ('new', '{patient('new', gender='male')}')", "42501")
    refused(ruled, "DELETE FROM patient WHERE id = 'p1'", "42501")
    assert log.brief() == [("create", "Patient/new", "4"), ("delete", "Patient/p1", "4")]


def test_whoever_may_not_even_begin(audited, session):
    log = audited("denied")
    for membership, address, words, who in [
        ("", None, "28000: no membership is set", None),
        ("nobody", None, "28000:", "ProjectMembership/nobody"),
        ("lost", None, "AccessPolicy/gone", "ProjectMembership/lost"),
        ("insider", "198.51.100.9", "client address 198.51.100.9 is blocked by AccessPolicy/inside ipAccessRule[1]", "ProjectMembership/insider"),
        ('{"resourceType": "ProjectMembership", "active": false, "userName": "Kleopatra-7"}', None, "28000:", "ProjectMembership"),
    ]:  # fmt: skip
        connection = session(membership)
        if address:
            connection.execute(f"SET fhir_access.client_ip = '{address}'")
        refused(connection, "SELECT * FROM patient", "28000")
        event = log.event()
        assert words in event["outcomeDesc"]
        assert event["outcome"] == "4"
        assert "entity" not in event
        assert "subtype" not in event
        assert event["agent"][0].get("altId") == (who or "attendant")
        assert SECRET not in json.dumps(event)
        if address:
            # Who is known, and no type that R4 lets agent.who refer to.
            assert event["agent"][0]["who"] == {"display": "ClientApplication/c"}
            assert event["agent"][0]["network"]["address"] == address


def test_a_cursor_of_another_member(audited, session):
    log = audited("denied")
    connection = session("doctor")
    with pytest.raises(psycopg.errors.InvalidAuthorizationSpecification), connection.transaction():
        connection.execute("DECLARE c CURSOR FOR SELECT * FROM patient")
        connection.execute("SET LOCAL fhir_access.membership = 'patient'")
        connection.execute("FETCH c")
    event = log.event()
    assert "another session context" in event["outcomeDesc"]
    assert event["agent"][0]["altId"] == "ProjectMembership/patient"


def test_with_check_of_row_security(audited, session, superuser):
    log = audited("denied")
    ruled = session("ruled")
    new = patient("new", gender="other")
    # It may create, and not read what it created.
    refused(ruled, f"INSERT INTO patient VALUES ('new', '{new}') RETURNING id", "42501")
    event = log.event()
    assert (interaction(event), target(event["entity"][0]), event["outcome"]) == ("create", "Patient", "4")
    assert event["entity"][0]["name"] == "public.patient"
    assert "row-level security" in event["outcomeDesc"]
    # The owner's own policy; within a function that goes on.
    superuser.execute("CREATE POLICY mine ON patient AS RESTRICTIVE WITH CHECK (id <> 'new')")
    superuser.execute("""CREATE FUNCTION try(new text) RETURNS text LANGUAGE plpgsql AS $$
        BEGIN
            EXECUTE 'INSERT INTO patient VALUES (''new'', $1::jsonb)' USING new;
            RETURN 'done';
        EXCEPTION WHEN insufficient_privilege THEN RETURN 'caught';
        END $$""")
    assert ruled.execute("SELECT try(%s)", (new,)).fetchone() == ("caught",)
    assert log.brief() == [("create", "Patient", "4")]
    # Within another statement that writes, once.
    superuser.execute("""CREATE FUNCTION follow() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN INSERT INTO patient VALUES ('new', new.resource || '{"id": "new", "gender": "other"}'); RETURN NULL; END $$""")
    superuser.execute("CREATE TRIGGER follow AFTER UPDATE ON patient FOR EACH ROW EXECUTE FUNCTION follow()")
    refused(ruled, "UPDATE patient SET resource = resource || '{\"active\": true}' WHERE id = 'p1'", "42501")
    assert log.brief() == [("create", "Patient", "4")]
    # A table that is not protected is nobody's business here.
    superuser.execute("ALTER TABLE not_protected ENABLE ROW LEVEL SECURITY")
    refused(ruled, "INSERT INTO not_protected VALUES (1)", "42501")
    assert log.brief() == []


def test_an_error_that_is_caught_is_recorded_once(audited, session, superuser):
    log = audited("denied")
    superuser.execute("""CREATE FUNCTION try() RETURNS text LANGUAGE plpgsql AS $$
        BEGIN
            DELETE FROM patient WHERE id = 'p1';
            RETURN 'done';
        EXCEPTION WHEN insufficient_privilege THEN RETURN 'caught';
        END $$""")
    assert session("ruled").execute("SELECT try()").fetchone() == ("caught",)
    assert log.brief() == [("delete", "Patient/p1", "4")]


def test_a_row_that_turns_into_another(audited, session):
    log = audited("denied")
    doctor = session("doctor")
    refused(doctor, "UPDATE patient SET resource = jsonb_set(resource, '{id}', '\"p2\"') WHERE id = 'p1'", "22023")
    event = log.event()
    assert (interaction(event), target(event["entity"][0]), event["outcome"]) == ("update", "Patient/p1", "4")
    assert "cannot change its id" in event["outcomeDesc"] or "differs" in event["outcomeDesc"]


def test_what_is_no_refusal_of_ours(audited, session):
    log = audited("denied")
    doctor = session("doctor")
    doctor.execute("UPDATE patient SET id = id WHERE id = 'p1'")
    refused(doctor, "SELECT * FROM fhir_access.access_policy", "42501")  # no privilege: PostgreSQL's own
    refused(doctor, "SELECT * FROM fhir_access.fhirpath('{}', '(')", "22023")
    refused(doctor, "SELECT 1/0", "22012")
    assert log.brief() == []


def test_a_setting_in_the_connection_options(audited, clinic):
    for setting in ["fhir_access.audit=off", "fhir_access.require_policy=off"]:
        log = audited("denied")
        with pytest.raises(psycopg.OperationalError, match="permission denied to set parameter"):
            connect(clinic, "attendant", options=f"-c {setting}")
        event = log.event()
        assert setting.split("=")[0] in event["outcomeDesc"]
        assert event["agent"][0]["altId"] == "attendant"
        audited("off")
