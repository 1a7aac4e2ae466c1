"""What another session commits counts from this session's next statement on, whatever it has prepared or begun."""

import psycopg
import pytest
from conftest import DOCTOR, PATIENT, PATIENTS, column, connect, refused

FIRST_THREE = ["p1", "p2", "p3"]
LEVELS = ["READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"]


def change_policy(superuser, criteria="Patient?_id=p1,p2,p3"):
    superuser.execute(
        """UPDATE fhir_access.access_policy SET resource = jsonb_set(resource, '{resource,0,criteria}', to_jsonb(%s::text))
            WHERE id = 'practice'""",
        (criteria,),
    )


def test_between_statements(superuser, doctor):
    doctor.prepare_threshold = 0
    for _ in range(7):
        assert column(doctor.execute(PATIENTS)) == DOCTOR
    change_policy(superuser)
    assert column(doctor.execute(PATIENTS)) == FIRST_THREE
    change_policy(superuser, "Patient?general-practitioner=%profile")
    assert column(doctor.execute(PATIENTS)) == DOCTOR


@pytest.mark.parametrize("level", LEVELS)
def test_in_an_open_transaction(superuser, doctor, level):
    doctor.prepare_threshold = None
    doctor.execute(f"BEGIN ISOLATION LEVEL {level}")
    assert column(doctor.execute(PATIENTS)) == DOCTOR
    change_policy(superuser)
    assert column(doctor.execute(PATIENTS)) == FIRST_THREE
    assert doctor.execute("SELECT count(*) FROM patient").fetchone() == (3,)
    # New rows are another matter: those this transaction sees as its isolation level says.
    superuser.execute("DELETE FROM patient WHERE id = 'p2'")
    assert column(doctor.execute(PATIENTS)) == (["p1", "p3"] if level == "READ COMMITTED" else FIRST_THREE)
    doctor.execute("COMMIT")
    assert column(doctor.execute(PATIENTS)) == ["p1", "p3"]


@pytest.mark.parametrize("level", LEVELS)
def test_a_statement_prepared_in_sql_in_an_open_transaction(superuser, doctor, level):
    doctor.execute(f"PREPARE patients AS {PATIENTS}", prepare=False)
    doctor.execute(f"BEGIN ISOLATION LEVEL {level}")
    for _ in range(7):
        assert column(doctor.execute("EXECUTE patients", prepare=False)) == DOCTOR
    change_policy(superuser)
    assert column(doctor.execute("EXECUTE patients", prepare=False)) == FIRST_THREE
    doctor.execute("COMMIT")


@pytest.mark.parametrize("level", LEVELS)
def test_a_statement_prepared_by_the_driver_in_an_open_transaction(superuser, doctor, level):
    """Its plan may be chosen before this session hears of the change: then it is refused, and the next one is right."""
    for _ in range(7):
        assert column(doctor.execute(PATIENTS, prepare=True)) == DOCTOR
    doctor.execute(f"BEGIN ISOLATION LEVEL {level}")
    assert column(doctor.execute(PATIENTS, prepare=True)) == DOCTOR
    doctor.execute("SAVEPOINT s")
    change_policy(superuser)
    try:
        assert column(doctor.execute(PATIENTS, prepare=True)) == FIRST_THREE
    except psycopg.errors.InvalidAuthorizationSpecification as refusal:
        assert "another session context" in str(refusal)
        doctor.execute("ROLLBACK TO SAVEPOINT s")
    assert column(doctor.execute(PATIENTS, prepare=True)) == FIRST_THREE
    doctor.execute("COMMIT")
    assert column(doctor.execute(PATIENTS, prepare=True)) == FIRST_THREE


@pytest.mark.parametrize("level", LEVELS)
def test_access_that_is_withdrawn(superuser, doctor, level):
    doctor.execute(f"BEGIN ISOLATION LEVEL {level}")
    assert column(doctor.execute(PATIENTS)) == DOCTOR
    superuser.execute("UPDATE fhir_access.project_membership SET resource = resource || '{\"active\": false}' WHERE id = 'doctor'")
    refused(doctor, PATIENTS, "28000")
    doctor.execute("ROLLBACK")
    refused(doctor, PATIENTS, "28000")
    superuser.execute("UPDATE fhir_access.project_membership SET resource = resource || '{\"active\": true}' WHERE id = 'doctor'")
    assert column(doctor.execute(PATIENTS)) == DOCTOR
    superuser.execute("DELETE FROM fhir_access.project_membership WHERE id = 'doctor'")
    refused(doctor, PATIENTS, "28000")


@pytest.mark.parametrize("level", LEVELS)
def test_a_table_that_becomes_protected(superuser, doctor, level):
    superuser.execute("CREATE TABLE goal (id text PRIMARY KEY, resource jsonb NOT NULL); GRANT SELECT ON goal TO attendant")
    superuser.execute("""INSERT INTO goal VALUES ('g', '{"resourceType": "Goal", "id": "g"}')""")
    doctor.prepare_threshold = 0
    for _ in range(7):
        assert column(doctor.execute("SELECT id FROM goal")) == ["g"]
    superuser.execute("SELECT fhir_access.protect('goal', 'Goal')")
    doctor.execute(f"BEGIN ISOLATION LEVEL {level}")
    assert column(doctor.execute("SELECT id FROM goal")) == []
    doctor.execute("COMMIT")


def test_hidden_fields_and_writes(superuser, doctor):
    phone = "SELECT resource #>> '{telecom,0,value}' FROM patient WHERE id = 'p1'"
    doctor.execute("BEGIN")
    assert column(doctor.execute(phone)) == [None]
    superuser.execute("UPDATE fhir_access.access_policy SET resource = resource #- '{resource,0,hiddenFields}' WHERE id = 'practice'")
    assert column(doctor.execute(phone)) == ["555-1"]
    assert doctor.execute("UPDATE patient SET resource = resource || '{\"gender\": \"other\"}' WHERE id = 'p1'").rowcount == 1
    superuser.execute("UPDATE fhir_access.access_policy SET resource = jsonb_set(resource, '{resource,0,readonly}', 'true') WHERE id = 'practice'")
    refused(doctor, "UPDATE patient SET resource = resource || '{\"gender\": \"unknown\"}' WHERE id = 'p1'", "42501")
    doctor.execute("ROLLBACK")


def test_address_rules(superuser, doctor):
    assert column(doctor.execute(PATIENTS)) == DOCTOR
    superuser.execute("""UPDATE fhir_access.access_policy SET resource = resource || '{"ipAccessRule": [{"value": "*", "action": "block"}]}'
                          WHERE id = 'practice'""")
    refused(doctor, PATIENTS, "28000")


def test_a_change_that_is_rolled_back_or_not_committed_yet(superuser, doctor):
    with superuser.transaction(force_rollback=True):
        change_policy(superuser)
        assert column(doctor.execute(PATIENTS)) == DOCTOR
    assert column(doctor.execute(PATIENTS)) == DOCTOR


def test_a_change_of_ones_own(superuser):
    def seen():
        with superuser.transaction():
            superuser.execute("SET LOCAL fhir_access.membership = 'doctor'; SET LOCAL ROLE attendant")
            return column(superuser.execute(PATIENTS, prepare=True))

    def look():
        rows = seen()
        superuser.execute("RESET ROLE")
        return rows

    for _ in range(7):
        assert look() == DOCTOR
    with superuser.transaction(force_rollback=True):
        with superuser.transaction(force_rollback=True):
            change_policy(superuser)
            assert look() == FIRST_THREE
            with superuser.transaction(force_rollback=True):
                change_policy(superuser, "Patient?_id=p9")
                assert look() == ["p9"]
            assert look() == FIRST_THREE
        assert look() == DOCTOR
        change_policy(superuser, "Patient?_id=p9")
        assert look() == ["p9"]
    assert look() == DOCTOR


def test_a_cursor_that_is_open_when_the_policy_changes(superuser, doctor):
    with doctor.transaction(force_rollback=True):
        cursor = doctor.cursor("rows")
        cursor.execute(PATIENTS)
        assert cursor.fetchmany(2) == [("p1",), ("p4",)]
        change_policy(superuser)
        with pytest.raises(psycopg.errors.InvalidAuthorizationSpecification), doctor.transaction():
            cursor.fetchmany(2)


def test_a_held_cursor(superuser, doctor):
    with doctor.transaction():
        doctor.execute(f"DECLARE held CURSOR WITH HOLD FOR {PATIENTS}")
    assert column(doctor.execute("FETCH 2 FROM held")) == ["p1", "p4"]
    # A change that changes nothing for this membership leaves it alone …
    superuser.execute("UPDATE fhir_access.access_policy SET resource = resource || '{\"name\": \"Practice\"}' WHERE id = 'practice'")
    assert column(doctor.execute("FETCH 2 FROM held")) == ["p7", "p10"]
    # … one that hides a field of the rows that are stored in it does not.
    superuser.execute("""UPDATE fhir_access.access_policy SET resource = jsonb_set(resource, '{resource,0,hiddenFields}', '["name"]')
                          WHERE id = 'practice'""")
    refused(doctor, "FETCH 2 FROM held", "28000")
    superuser.execute("DROP EXTENSION fhir_access CASCADE")
    refused(doctor, "FETCH 2 FROM held", "28000")


def test_functions_keep_no_old_plans(superuser, doctor):
    superuser.execute("""CREATE FUNCTION seen() RETURNS text[] LANGUAGE plpgsql STABLE AS
        $$ BEGIN RETURN (SELECT array_agg(id ORDER BY length(id), id) FROM patient); END $$""")
    doctor.prepare_threshold = None
    superuser.execute("""CREATE FUNCTION seen_sql() RETURNS SETOF text LANGUAGE sql STABLE AS
        $$ SELECT id FROM patient ORDER BY length(id), id $$""")
    doctor.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
    for _ in range(7):
        assert doctor.execute("SELECT seen()").fetchone()[0] == DOCTOR
        assert column(doctor.execute("SELECT * FROM seen_sql()")) == DOCTOR
    change_policy(superuser)
    assert doctor.execute("SELECT seen()").fetchone()[0] == FIRST_THREE
    assert column(doctor.execute("SELECT * FROM seen_sql()")) == FIRST_THREE
    doctor.execute("SET LOCAL fhir_access.membership = 'patient'")
    assert doctor.execute("SELECT seen()").fetchone()[0] == PATIENT
    doctor.execute("COMMIT")
    assert doctor.execute("SELECT seen()").fetchone()[0] == FIRST_THREE


def test_many_sessions_at_once(clinic, superuser):
    sessions = [connect(clinic, "attendant") for _ in range(10)]
    try:
        for session in sessions:
            session.execute("SET fhir_access.membership = 'doctor'")
        for wanted in [["p5"], ["p6", "p7"], ["p8"]] * 3:
            change_policy(superuser, f"Patient?_id={','.join(wanted)}")
            for session in sessions:
                assert column(session.execute(PATIENTS, prepare=True)) == wanted
    finally:
        for session in sessions:
            session.close()
