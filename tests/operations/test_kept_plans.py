"""Plans that a session keeps for memberships in turn, while others change what they are made of: never an old one."""

import time
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from conftest import DOCTOR, PATIENT, PATIENTS, column, connect

EXPECTED = {"doctor": DOCTOR, "patient": PATIENT}
# One with a parameter: others are made anew.
SEEN = "SELECT id::text FROM patient WHERE id <> %s ORDER BY length(id), id"
FOUND = "SELECT found FROM fhir_access.kept_plans()"


def ask(connection, membership):
    """As a pool does: another membership for each transaction, the same prepared statement."""
    with connection.transaction():
        connection.execute("SELECT set_config('fhir_access.membership', %s, true)", [membership])
        return column(connection.execute(SEEN, ["nobody"], prepare=True))


@pytest.fixture
def pool(superuser, attendant):
    """A connection that keeps a plan for each of two memberships."""
    superuser.execute("GRANT EXECUTE ON FUNCTION fhir_access.kept_plans() TO attendant")
    attendant.execute("SET plan_cache_mode = force_generic_plan")
    for _ in range(3):
        for membership, patients in EXPECTED.items():
            assert ask(attendant, membership) == patients
    found = attendant.execute(FOUND).fetchone()[0]
    assert ask(attendant, "doctor") == DOCTOR
    assert attendant.execute(FOUND).fetchone()[0] > found
    return attendant


# What another session does, and what the doctor and the patient see after it.
CHANGES = {
    "a policy": (
        "UPDATE fhir_access.access_policy SET resource = jsonb_set(resource, '{resource,0,criteria}', '\"Patient?_id=p1,p2\"') WHERE id = 'practice'",
        ["p1", "p2"],
        PATIENT,
    ),
    "a policy of the owner's": ("CREATE POLICY own ON patient AS RESTRICTIVE USING (id <> 'p7')", [one for one in DOCTOR if one != "p7"], []),
    "a column": ("ALTER TABLE patient ADD COLUMN more text", DOCTOR, PATIENT),
    "a column's type": ("ALTER TABLE not_protected DROP CONSTRAINT not_protected_patient_fkey; ALTER TABLE patient ALTER COLUMN id TYPE varchar", DOCTOR, PATIENT),
    "an index that goes": ("DROP INDEX patient_resource_idx", DOCTOR, PATIENT),
    "an index that comes": ("CREATE INDEX CONCURRENTLY ON patient USING gin (fhir_access.targets(resource, 'generalPractitioner:Reference') fhir_access.prefix_ops)", DOCTOR, PATIENT),
    "statistics": ("VACUUM ANALYZE patient", DOCTOR, PATIENT),
    "its rows, all of them": ("BEGIN; DELETE FROM not_protected; TRUNCATE patient CASCADE; COMMIT", [], []),
    "protection that goes": ("SELECT fhir_access.unprotect('patient'); ALTER TABLE patient NO FORCE ROW LEVEL SECURITY; ALTER TABLE patient DISABLE ROW LEVEL SECURITY", None, None),
    "rows written over": ("VACUUM FULL patient; CLUSTER patient USING patient_pkey; REINDEX TABLE patient", DOCTOR, PATIENT),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_another_session_has_committed(pool, superuser, change):
    statements, doctor, patient = CHANGES[change]
    everybody = column(superuser.execute(PATIENTS))
    for statement in [statements] if statements.startswith("BEGIN") else statements.split("; "):
        superuser.execute(statement)
    for _ in range(2):
        assert ask(pool, "doctor") == (everybody if doctor is None else doctor)
        assert ask(pool, "patient") == (everybody if patient is None else patient)


def test_protection_that_is_switched_off_by_half(pool, superuser):
    superuser.execute("ALTER TABLE patient DISABLE ROW LEVEL SECURITY")
    for membership in EXPECTED:
        with pytest.raises(psycopg.Error) as caught:
            ask(pool, membership)
        assert caught.value.sqlstate == "55000"
    superuser.execute("ALTER TABLE patient ENABLE ROW LEVEL SECURITY")
    for membership, patients in EXPECTED.items():
        assert ask(pool, membership) == patients


def test_a_membership_that_is_withdrawn(pool, superuser):
    superuser.execute("DELETE FROM fhir_access.project_membership WHERE id = 'doctor'")
    assert ask(pool, "patient") == PATIENT
    with pytest.raises(psycopg.errors.InvalidAuthorizationSpecification) as caught:
        ask(pool, "doctor")
    assert "ProjectMembership/doctor does not exist" in str(caught.value)


def test_a_table_that_is_locked_for_a_change_meanwhile(clinic, pool, superuser):
    """The plan is chosen before the lock is waited for."""
    with connect(clinic) as other, ThreadPoolExecutor(1) as thread:
        with other.transaction():
            other.execute("ALTER TABLE patient ADD COLUMN more text")
            other.execute(CHANGES["a policy of the owner's"][0])
            waiting = thread.submit(ask, pool, "patient")
            blocked = "SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = %s"
            while not superuser.execute(blocked, [pool.info.backend_pid]).fetchone()[0]:
                assert not waiting.done(), "it did not wait"
        assert waiting.result(timeout=60) == []
    assert ask(pool, "doctor") == CHANGES["a policy of the owner's"][1]


def test_many_sessions_and_changes_at_once(clinic, superuser):
    """Whatever the moment: what a membership has been granted before or after a change, and never what another has."""
    wide, narrow = '"Patient?general-practitioner=%profile"', '"Patient?_id=p1,p4"'
    granted = {"doctor": [DOCTOR, ["p1", "p4"]], "patient": [PATIENT]}
    until = time.monotonic() + 4

    def reads(number):
        answers = 0
        with connect(clinic, "attendant") as connection:
            connection.execute("SET plan_cache_mode = force_generic_plan")
            while time.monotonic() < until:
                membership = "doctor" if (answers + number) % 3 else "patient"
                try:
                    assert ask(connection, membership) in granted[membership]
                except psycopg.errors.InvalidAuthorizationSpecification as error:
                    # The policy changed between planning and running.
                    assert "prepared for another session context" in str(error)
                answers += 1
        return answers

    with ThreadPoolExecutor(4) as threads:
        readers = [threads.submit(reads, number) for number in range(4)]
        changes = 0
        while time.monotonic() < until:
            criteria = narrow if changes % 2 else wide
            superuser.execute("UPDATE fhir_access.access_policy SET resource = jsonb_set(resource, '{resource,0,criteria}', %s::jsonb) WHERE id = 'practice'", [criteria])
            if changes % 5 == 0:
                superuser.execute("DROP INDEX IF EXISTS more")
                superuser.execute("CREATE INDEX more ON patient ((resource ->> 'gender'))")
            if changes % 7 == 0:
                superuser.execute("ALTER TABLE patient ADD COLUMN more text")
                superuser.execute("ALTER TABLE patient DROP COLUMN more")
            changes += 1
        assert all(reader.result(timeout=60) > 10 for reader in readers)
    assert changes > 10


@pytest.mark.parametrize("change", ["a policy", "a membership", "a policy, and the partition"])
def test_what_is_heard_while_a_kept_plan_waits_for_a_partition(clinic, pool, superuser, change):
    """PostgreSQL has the plan in hand, and asks for the locks that only the plan knows of."""
    changes = {
        "a policy": [
            "UPDATE fhir_access.access_policy SET resource = jsonb_set(resource, '{resource,0,criteria}', '\"Observation?subject=Patient/p3\"') WHERE id = 'practice'"
        ],
        "a membership": ["DELETE FROM fhir_access.project_membership WHERE id = 'doctor'"],
    }
    changes["a policy, and the partition"] = [*changes["a policy"], 'ALTER TABLE "The Clinic".observation_2025 ADD CHECK (content IS NOT NULL)']
    superuser.execute(
        """UPDATE fhir_access.access_policy SET resource = jsonb_set(resource, '{resource,0}',
            '{"resourceType": "Observation", "criteria": "Observation?subject=Patient/p1,Patient/p2"}') WHERE id = 'practice'"""
    )
    statement = """SELECT "the id" FROM "The Clinic"."Observation's" WHERE "the id" <> %s ORDER BY length("the id"), 1"""

    def observations(membership):
        with pool.transaction():
            pool.execute("SELECT set_config('fhir_access.membership', %s, true)", [membership])
            return column(pool.execute(statement, ["nobody"], prepare=True))

    granted = {"doctor": ["o1", "o30", "o31", "o60"], "patient": ["o6", "o36"]}
    for _ in range(4):
        for membership, seen in granted.items():
            assert observations(membership) == seen
    with connect(clinic) as other, ThreadPoolExecutor(1) as thread:
        with other.transaction():
            other.execute('LOCK TABLE "The Clinic".observation_2025 IN ACCESS EXCLUSIVE MODE')
            for one in changes[change]:
                other.execute(one)
            waiting = thread.submit(observations, "doctor")
            blocked = "SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = %s"
            while not superuser.execute(blocked, [pool.info.backend_pid]).fetchone()[0]:
                assert not waiting.done(), "it did not wait"
        if change == "a membership":
            with pytest.raises(psycopg.errors.InvalidAuthorizationSpecification):
                waiting.result(timeout=60)
        else:
            assert waiting.result(timeout=60) == ["o2", "o32"]
    assert observations("patient") == granted["patient"]
