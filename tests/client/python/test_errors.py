"""Errors arrive with their SQLSTATE and fields, ours and PostgreSQL's own."""

import os

import psycopg
import pytest
from conftest import acting_as, connect
from psycopg import errors


def refused(connection, statement, *parameters):
    """The error that a statement raises."""
    with pytest.raises(psycopg.Error) as caught:
        connection.execute(statement, *parameters)
    return caught.value


def test_no_membership(app):
    error = refused(app, "SELECT * FROM patient")
    assert isinstance(error, errors.InvalidAuthorizationSpecification) and error.sqlstate == "28000"
    assert error.diag.message_primary == "no membership is set for this session"
    assert "fhir_access.membership" in error.diag.message_hint
    assert error.diag.severity == "ERROR"


@pytest.mark.parametrize(
    ("membership", "named"), [("nobody", "ProjectMembership/nobody"), ("lost", "AccessPolicy/of-nobody")]
)
def test_a_membership_that_cannot_be_used(app, membership, named):
    with acting_as(app, membership):
        error = refused(app, "SELECT * FROM patient")
        assert error.sqlstate == "28000" and named in error.diag.message_primary
        raise psycopg.Rollback


@pytest.mark.parametrize("value", ["not a membership", "Patient/p1", "a" * 65])
def test_a_value_that_no_membership_can_have(app, value):
    error = refused(app, "SELECT set_config('fhir_access.membership', %s, false)", (value,))
    assert error.sqlstate == "22023" and "ProjectMembership" in error.diag.message_detail
    assert app.execute("SHOW fhir_access.membership").fetchone() == ("",)


@pytest.mark.parametrize("document", ["{", '{"resourceType": "ProjectMembership", "access": 1}', '{"resourceType": "Patient"}'])
def test_a_membership_in_the_setting_that_is_none(app, document):
    with acting_as(app, document):
        error = refused(app, "SELECT * FROM patient")
        assert error.sqlstate == "28000" and "fhir_access.membership" in error.diag.message_primary
        raise psycopg.Rollback


def test_blocked_address(app):
    with acting_as(app, "office", "203.0.113.9"):
        assert app.execute("SELECT count(*) FROM patient").fetchone() == (3,)
    with acting_as(app, "office", "198.51.100.9"):
        error = refused(app, "SELECT count(*) FROM patient")
        assert error.sqlstate == "28000" and "198.51.100.9" in error.diag.message_primary
        assert "AccessPolicy/office-only" in error.diag.message_primary
        raise psycopg.Rollback


def test_the_address_of_the_connection_counts():
    password = "the driver's password"
    with connect(host="127.0.0.1", password=password) as app, acting_as(app, "local"):
        assert app.execute("SELECT count(*) FROM patient").fetchone() == (3,)
        assert app.execute("SELECT client_ip::text FROM fhir_access.session()").fetchone() == ("127.0.0.1/32",)
    with connect() as app, acting_as(app, "local"):  # over the socket there is none
        assert refused(app, "SELECT count(*) FROM patient").sqlstate == "28000"
        raise psycopg.Rollback


def test_a_write_that_is_not_permitted(app):
    with acting_as(app, "anna"):
        error = refused(app, "UPDATE patient SET note = 'mine' WHERE id = 'anna'")
        assert isinstance(error, errors.InsufficientPrivilege) and error.sqlstate == "42501"
        assert error.diag.message_primary == "update of Patient/anna is not permitted"
        assert "update" in error.diag.message_detail and error.diag.message_hint
        raise psycopg.Rollback
    with acting_as(app, "p1"):
        error = refused(app, """UPDATE patient SET resource = resource || '{"generalPractitioner": []}' WHERE id = 'anna'""")
        assert error.sqlstate == "42501" and "AccessPolicy/practice resource[0]" in error.diag.message_detail
        raise psycopg.Rollback
    with acting_as(app, "anna"):
        assert refused(app, "DELETE FROM observation WHERE id = 'anna-001'").sqlstate == "42501"
        raise psycopg.Rollback
    with acting_as(app, "p1"):
        insert = """INSERT INTO patient (id, resource) VALUES ('dora', '{"resourceType": "Patient", "id": "dora"}')"""
        assert refused(app, insert).diag.message_primary == "create of Patient/dora is not permitted"
        raise psycopg.Rollback


def test_fields_say_what_an_error_is_about(app):
    with acting_as(app, "anna"):
        diag = refused(app, "UPDATE patient SET note = 'mine' WHERE id = 'anna'").diag
        assert (diag.schema_name, diag.table_name, diag.constraint_name) == ("public", "patient", "fhir_access")
        raise psycopg.Rollback
    with acting_as(app, "desk"):
        diag = refused(app, "INSERT INTO patient (id, resource) VALUES ('dora', '[]')").diag
        assert (diag.schema_name, diag.table_name, diag.column_name) == ("public", "patient", "resource")
        assert diag.constraint_name is None and diag.message_hint
        raise psycopg.Rollback
    # The fields of one error do not stay for the next.
    diag = refused(app, "SELECT * FROM patient").diag
    assert (diag.sqlstate, diag.schema_name, diag.table_name, diag.constraint_name) == ("28000", None, None, None)
    diag = refused(app, "SELECT 1 / 0").diag
    assert (diag.sqlstate, diag.schema_name, diag.table_name, diag.constraint_name) == ("22012", None, None, None)


def test_a_row_that_cannot_be_read_back(superuser, app):
    policy = """{"resourceType": "AccessPolicy", "id": "intake", "resource": [{"resourceType": "Patient", "interaction": ["create"]}]}"""
    membership = """{"resourceType": "ProjectMembership", "accessPolicy": {"reference": "AccessPolicy/intake"}}"""
    insert = """INSERT INTO patient (id, resource) VALUES ('dora', '{"resourceType": "Patient", "id": "dora"}')"""
    superuser.execute("INSERT INTO fhir_access.access_policy (resource) VALUES (%s)", (policy,))
    try:
        with acting_as(app, membership):
            error = refused(app, insert + " RETURNING id")
            assert error.sqlstate == "42501" and "search" in error.diag.message_detail
            assert "RETURNING" in error.diag.message_hint
            raise psycopg.Rollback
        with acting_as(app, membership):
            assert app.execute(insert).rowcount == 1
            raise psycopg.Rollback
    finally:
        superuser.execute("DELETE FROM fhir_access.access_policy WHERE id = 'intake'")


def test_a_setting_in_the_options_of_a_connection():
    with pytest.raises(psycopg.OperationalError) as caught:
        connect(user="bystander", options="-c fhir_access.membership=p1")
    assert 'permission denied to set parameter "fhir_access.membership"' in str(caught.value)
    assert "GRANT SET ON PARAMETER fhir_access.membership" in str(caught.value)


def test_a_write_to_a_row_that_is_not_seen(app):
    with acting_as(app, "p2"):
        assert app.execute("UPDATE patient SET note = 'x' WHERE id = 'anna'").rowcount == 0
        assert app.execute("DELETE FROM patient WHERE id = 'anna'").rowcount == 0


def test_only_a_trusted_role_chooses_its_membership():
    with connect(user="bystander") as bystander:
        error = refused(bystander, "SET fhir_access.membership = 'p1'")
        assert error.sqlstate == "42501"
        assert refused(bystander, "SELECT fhir_access.set_session('p1')").sqlstate == "42501"
        assert refused(bystander, "SELECT * FROM patient").sqlstate == "28000"
        assert refused(bystander, "SELECT * FROM fhir_access.access_policy").sqlstate == "28000"


def test_an_invalid_policy(superuser):
    policy = """{"resourceType": "AccessPolicy", "resource": [{"resourceType": "Patient"},
                 {"resourceType": "Patient", "criteria": "Patient?adress-state=CA"}]}"""
    error = refused(superuser, "INSERT INTO fhir_access.access_policy (resource) VALUES (%s)", (policy,))
    assert isinstance(error, errors.InvalidParameterValue) and error.sqlstate == "22023"
    assert "resource[1].criteria" in error.diag.message_primary and "adress-state" in error.diag.message_primary
    assert "address-state" in str(error)


def test_errors_of_postgresql_pass_unchanged(app):
    with acting_as(app, "desk"):
        with pytest.raises(errors.UniqueViolation) as caught, app.transaction():
            app.execute("""INSERT INTO patient (id, resource) VALUES ('anna', '{"resourceType": "Patient", "id": "anna"}')""")
        diag = caught.value.diag
        assert (diag.constraint_name, diag.table_name, diag.schema_name) == ("patient_pkey", "patient", "public")
        with pytest.raises(errors.CheckViolation) as caught, app.transaction():
            app.execute("UPDATE patient SET note = repeat('x', 200) WHERE id = 'anna'")
        assert caught.value.diag.constraint_name == "short_note"
        with pytest.raises(errors.UndefinedColumn) as caught, app.transaction():
            app.execute("SELECT nothing FROM patient")
        assert caught.value.diag.statement_position == "8"
        # The connection is as good as new.
        assert app.execute("SELECT count(*) FROM patient").fetchone() == (3,)


def test_errors_in_functions_keep_their_context(app):
    with acting_as(app, "desk"):
        error = refused(app, "DO $$ BEGIN PERFORM 1 / (SELECT 0 FROM patient LIMIT 1); END $$")
        assert error.sqlstate == "22012" and "PL/pgSQL function" in error.diag.context
        raise psycopg.Rollback


def test_the_superuser_of_the_tests_is_one(superuser):
    assert superuser.execute("SELECT current_user").fetchone() == (os.environ["PGUSER"],)
    assert superuser.execute("SELECT count(*) FROM patient").fetchone() == (3,)
