"""The audit trail: its levels, who and what a line names, and what no line holds."""

import json
import re

import psycopg
import pytest
from audit_log import MINE, OBSERVATIONS, TOKEN, details, interaction, patient
from conftest import connect, refused

SECRET = "Kleopatra-7"


def do_something_of_each(doctor):
    doctor.execute("SELECT count(*) FROM patient")
    doctor.execute("UPDATE patient SET id = id WHERE id = 'p1'")
    refused(doctor, "TRUNCATE patient CASCADE", "42501")


def test_each_level_includes_those_before_it(audited, session):
    expected = [[], [("delete", "Patient", "4")]]
    expected.append([("update", "Patient/p1", "0"), *expected[1]])
    expected.append([("search", "Patient", "0"), ("search", "Patient", "0"), *expected[2]])
    for level, events in zip(["off", "denied", "writes", "all"], expected, strict=True):
        log = audited(level)
        do_something_of_each(session("doctor"))
        assert log.brief() == events, level


def test_no_client_sees_a_line(audited, session):
    log = audited("all")
    doctor = session("doctor")
    notices = []
    doctor.add_notice_handler(notices.append)
    doctor.execute("SET client_min_messages = 'debug5'")
    notices.clear()
    do_something_of_each(doctor)
    assert len(log.events()) == 4
    assert not [notice for notice in notices if "audit" in (notice.message_primary or "")]


def test_who_and_from_where(audited, session, clinic):
    log = audited("writes")
    doctor = session("doctor", application_name="ward 3")
    doctor.execute("SET fhir_access.client_ip = '2001:db8::1'")
    doctor.execute("UPDATE patient SET id = id WHERE id = 'p1'")
    event = log.event()
    member, application = event["agent"]
    assert member == {
        "who": {"reference": "Practitioner/1"}, "altId": "ProjectMembership/doctor", "requestor": True,
        "policy": ["AccessPolicy/practice"], "network": {"address": "2001:db8::1", "type": "2"},
    }  # fmt: skip
    assert (application["altId"], application["name"], application["requestor"]) == ("attendant", "ward 3", False)
    assert event["resourceType"] == "AuditEvent"
    assert event["action"] == "U"
    assert event["source"]["site"] == clinic
    assert event["entity"][0]["name"] == "public.patient"
    assert details(event, "entry") == ["AccessPolicy/practice resource[0]"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", event["recorded"])


def test_no_line_holds_a_value(audited, session, superuser):
    log = audited("all")
    superuser.execute("""CREATE FUNCTION inner_touch(value text) RETURNS void LANGUAGE plpgsql AS $$
        BEGIN
            EXECUTE format('UPDATE patient SET resource = resource || %L WHERE id = ''p1''', jsonb_build_object('birthDate', value));
        END $$""")
    for membership in ["doctor", "ruled"]:
        connection = session(membership)
        new = patient("secret", name=[{"family": SECRET}], gender="male", **MINE)
        for statement, values in [
            (f"INSERT INTO patient VALUES ('secret', '{new}') RETURNING *", ()),
            ("INSERT INTO patient VALUES ('other', %s)", (new,)),
            ("UPDATE patient SET resource = resource || jsonb_build_object('birthDate', %s::text) WHERE id IN ('p1', 'p2')", (SECRET,)),
            ("SELECT inner_touch(%s)", (SECRET,)),
            (f"SELECT * FROM patient WHERE resource @> '{{\"name\": [{{\"family\": \"{SECRET}\"}}]}}'", ()),
            ("SELECT * FROM patient WHERE name = %s", (SECRET,)),
            (f"UPDATE patient SET resource = '\"{SECRET}\"' WHERE id = 'p1'", ()),
            (f"UPDATE patient SET resource = '{{\"resourceType\": \"{SECRET}\"}}' WHERE id = 'p1'", ()),
        ]:
            try:
                connection.execute(statement, values)
            except psycopg.Error as error:
                assert error.sqlstate in {"42501", "22023"}, error
    lines = log.text().splitlines()
    audit = [number for number, line in enumerate(lines) if TOKEN in line]
    assert len(audit) > 12
    for number in audit:
        assert SECRET not in lines[number]
        # Nor does PostgreSQL add the statement or its context below it.
        following = lines[number + 1] if number + 1 < len(lines) else ""
        assert not re.search(r"(STATEMENT|CONTEXT|DETAIL|QUERY):", following), following


def test_names_of_all_kinds(audited, clinic, superuser):
    log = audited("all")
    superuser.execute(f"INSERT INTO patient VALUES (E'a\\nfhir_access audit: {{}}\u2028\u0085\"', '{{\"resourceType\": \"Patient\"}}')")
    log.forget()
    with connect(clinic, application_name='"}\\') as connection:
        connection.execute("UPDATE patient SET id = id WHERE id LIKE 'a%'")
        connection.execute(f"UPDATE {OBSERVATIONS} SET recorded = recorded WHERE \"the id\" = 'o1'")
    text = log.text()
    lines = [line for line in text.splitlines() if TOKEN in line]
    assert all(line.isascii() for line in lines)
    events = [json.loads(line.split(TOKEN, 1)[1]) for line in lines]
    update = next(event for event in events if interaction(event) == "update")
    assert update["entity"][0]["what"] == {"type": "Patient", "identifier": {"value": 'a\nfhir_access audit: {}\u2028\u0085"'}}
    assert update["agent"][0]["name"] == '"}\\'
    assert {'"The Clinic"."Observation\'s"', '"The Clinic".observation_2025'} <= {entity["name"] for event in events for entity in event["entity"]}


@pytest.mark.parametrize("setting", ["log_min_messages = fatal", "log_min_messages = panic"])
def test_what_cannot_be_recorded_is_not_done(audited, clinic, setting):
    log = audited("all")
    with connect(clinic) as connection:
        connection.execute(f"SET {setting}")
        for statement in ["UPDATE patient SET resource = '{}' WHERE id = 'p1'", "DELETE FROM patient", "TRUNCATE patient CASCADE", "TABLE patient"]:
            error = refused(connection, statement, "55000")
            assert "log_min_messages" in error.diag.message_hint
        connection.execute("SET fhir_access.audit = denied")
        assert connection.execute("SELECT count(*) FROM patient").fetchone() == (30,)
    assert log.brief() == []


def test_lines_of_a_session_that_ends_badly(audited, session, superuser):
    log = audited("writes")
    doctor = session("doctor")
    doctor.execute("BEGIN")
    doctor.execute("UPDATE patient SET id = id WHERE id = 'p1'")
    superuser.execute("SELECT pg_terminate_backend(%s, 5000)", (doctor.info.backend_pid,))
    assert [interaction(event) for event in log.events()] == ["update", "transaction"]
