"""When the extension goes, what it protected stays closed."""

import psycopg
import pytest
from conftest import DOCTOR, EVERYBODY, PATIENTS, column, connect, refused

INSERT = """INSERT INTO patient (id, resource) VALUES ('x', '{"resourceType": "Patient", "id": "x"}')"""
TABLES = ["patient", '"The Clinic"."Observation\'s"', '"The Clinic".observation_2025', '"The Clinic".observation_later']


def is_closed(connection):
    """Nothing to read, nothing to change, nothing to add."""
    for table in TABLES:
        assert connection.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,), table
        assert connection.execute(f"DELETE FROM {table}").rowcount == 0, table
    assert connection.execute("UPDATE patient SET resource = '{}'").rowcount == 0
    refused(connection, INSERT, "42501")
    with connection.cursor() as cursor, cursor.copy("COPY patient TO STDOUT") as rows:
        assert list(rows) == []


REMOVALS = [
    "DROP EXTENSION fhir_access CASCADE",
    "DROP SCHEMA fhir_access CASCADE",
]


def test_it_does_not_go_by_accident(superuser):
    detail = refused(superuser, "DROP EXTENSION fhir_access", "2BP01").diag.message_detail
    assert "policy fhir_access on table patient depends on function" in detail, detail
    assert superuser.execute("SELECT count(*) FROM fhir_access.protected_relation").fetchone() == (4,)


@pytest.mark.parametrize("removal", REMOVALS)
def test_a_dropped_extension_leaves_the_tables_closed(clinic, superuser, doctor, removal):
    doctor.prepare_threshold = 0
    for _ in range(7):
        assert column(doctor.execute(PATIENTS)) == DOCTOR
    superuser.execute(removal)
    # In a session that was there before, with a plan that it kept, and in a new one.
    assert column(doctor.execute(PATIENTS)) == []
    is_closed(doctor)
    with connect(clinic, "attendant") as attendant:
        is_closed(attendant)
    # For the owner as well, and for a session without the library.
    superuser.execute("ALTER TABLE patient OWNER TO dumper")
    with connect(clinic, "dumper") as owner:
        assert column(owner.execute(PATIENTS)) == []
    with connect(clinic, "unloaded") as unloaded:
        is_closed(unloaded)
    # A superuser has everything, and may write again.
    assert column(superuser.execute(PATIENTS)) == EVERYBODY
    superuser.execute(INSERT)


def test_it_comes_back(clinic, superuser, doctor):
    assert column(doctor.execute(PATIENTS)) == DOCTOR
    policy, membership = (superuser.execute(f"SELECT resource::text FROM fhir_access.{table} WHERE id = '{id}'").fetchone()
                          for table, id in (("access_policy", "practice"), ("project_membership", "doctor")))  # fmt: skip
    superuser.execute("DROP EXTENSION fhir_access CASCADE")
    superuser.execute("CREATE EXTENSION fhir_access")
    assert column(doctor.execute(PATIENTS)) == []
    superuser.execute("SELECT fhir_access.protect('patient', 'Patient')")
    refused(doctor, PATIENTS, "28000")
    superuser.execute("INSERT INTO fhir_access.access_policy (resource) VALUES (%s)", policy)
    superuser.execute("INSERT INTO fhir_access.project_membership (resource) VALUES (%s)", membership)
    assert column(doctor.execute(PATIENTS)) == DOCTOR


def test_a_drop_that_is_rolled_back(superuser, doctor):
    with superuser.transaction(force_rollback=True):
        superuser.execute("DROP EXTENSION fhir_access CASCADE")
        superuser.execute("SET LOCAL ROLE attendant")
        assert column(superuser.execute(PATIENTS)) == []
    assert column(doctor.execute(PATIENTS)) == DOCTOR
    with superuser.transaction(force_rollback=True):
        superuser.execute("SET LOCAL fhir_access.membership = 'doctor'; SET LOCAL ROLE attendant")
        assert column(superuser.execute(PATIENTS)) == DOCTOR


def test_unprotect_leaves_the_table_closed(clinic, superuser, doctor):
    notices = []
    superuser.add_notice_handler(lambda notice: notices.append(notice.message_primary))
    assert column(doctor.execute(PATIENTS)) == DOCTOR
    superuser.execute("SELECT fhir_access.unprotect('patient')")
    superuser.execute("""SELECT fhir_access.unprotect('"The Clinic"."Observation''s"')""")
    assert any("patient" in notice and "closed" in notice for notice in notices)
    is_closed(doctor)
    # Opening is a decision of its own, and plain PostgreSQL.
    superuser.execute("CREATE POLICY opened ON patient USING (true)")
    assert column(doctor.execute(PATIENTS)) == EVERYBODY


def test_a_dropped_table_leaves_the_registry(superuser):
    superuser.execute("DROP TABLE patient CASCADE")
    assert column(superuser.execute("SELECT resource_type FROM fhir_access.protected_relation GROUP BY 1")) == ["Observation"]
    with pytest.raises(psycopg.errors.UndefinedTable):
        superuser.execute("SELECT fhir_access.protect('patient', 'Patient')")
