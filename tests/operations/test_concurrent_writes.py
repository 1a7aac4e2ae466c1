"""A row that somebody else changes while a statement waits for it is judged, masked and restored as it is then."""

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from conftest import connect

AWAY = "UPDATE patient SET resource = resource || '{\"generalPractitioner\": [{\"reference\": \"Practitioner/2\"}]}' WHERE id = 'p1'"
NEW_NUMBER = "UPDATE patient SET resource = resource || '{\"telecom\": [{\"value\": \"CANARY\"}], \"language\": \"de\"}' WHERE id = 'p1'"
EDIT = "UPDATE patient SET resource = resource || '{\"active\": true, \"telecom\": \"mine\"}' WHERE id = 'p1' RETURNING resource"
UPSERT = """INSERT INTO patient (id, resource) SELECT id, resource || '{"active": true}' FROM patient WHERE id = 'p1'
            ON CONFLICT (id) DO UPDATE SET resource = excluded.resource RETURNING resource"""
MERGE = """MERGE INTO patient p USING (VALUES ('p1')) v(id) ON p.id = v.id
           WHEN MATCHED THEN UPDATE SET resource = p.resource || '{"active": true, "telecom": "mine"}'"""


@pytest.fixture
def after(clinic, superuser, doctor):
    """Gives what the doctor's statement comes to when it has to wait for the superuser's."""

    def after(first, second):
        with connect(clinic) as other, ThreadPoolExecutor(1) as pool, other.transaction():
            other.execute(first)
            waiting = pool.submit(doctor.execute, second)
            backend = doctor.info.backend_pid
            blocked = "SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = %s"
            while not superuser.execute(blocked, [backend]).fetchone()[0]:
                assert not waiting.done(), "it did not wait"
        return waiting.result(timeout=60)

    return after


def stored(superuser):
    return superuser.execute("SELECT resource FROM patient WHERE id = 'p1'").fetchone()[0]


@pytest.mark.parametrize("statement", [EDIT, "DELETE FROM patient WHERE id = 'p1' RETURNING resource", "SELECT resource FROM patient WHERE id = 'p1' FOR UPDATE"])
def test_a_row_that_has_gone_is_not_found(after, superuser, statement):
    assert after(AWAY, statement).fetchall() == []
    assert stored(superuser)["telecom"] == [{"value": "555-1"}]
    assert "active" not in stored(superuser)


def test_a_row_that_has_gone_is_not_merged(after, superuser):
    assert after(AWAY, MERGE).rowcount == 0
    assert "active" not in stored(superuser)


def test_a_row_that_has_gone_is_not_updated_by_an_upsert(after, superuser):
    with pytest.raises(psycopg.errors.InsufficientPrivilege) as caught:
        after(AWAY, UPSERT)
    assert "555" not in str(caught.value)
    assert "active" not in stored(superuser)


@pytest.mark.parametrize("statement", [EDIT, UPSERT, MERGE])
def test_what_is_hidden_of_it_is_what_it_has_become(after, superuser, statement):
    result = after(NEW_NUMBER, statement)
    if result.description:
        assert ["telecom" in row[0] for row in result.fetchall()] == [False]
    assert stored(superuser)["active"] is True
    assert stored(superuser)["telecom"] == [{"value": "CANARY"}]
    # The upsert brought a whole document, the others edited the one that they found.
    assert ("language" in stored(superuser)) is (statement is not UPSERT)
