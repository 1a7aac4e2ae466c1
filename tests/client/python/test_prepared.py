"""Prepared statements follow the membership, however often they have run and whatever plan the server kept."""

import psycopg
import pytest
from conftest import acting_as, column, connect

PATIENTS = "SELECT id FROM patient WHERE resource @> %s ORDER BY id"
ANYBODY = psycopg.types.json.Jsonb({"resourceType": "Patient"})
# The one above, as the server keeps it.
SERVER_SIDE = "FROM pg_prepared_statements WHERE statement LIKE 'SELECT id FROM patient%'"
SEEN = {"p1": ["anna", "ben"], "p2": ["carla"], "anna": ["anna"], "desk": ["anna", "ben", "carla"]}


@pytest.fixture(params=["auto", "force_generic_plan", "force_custom_plan"])
def plans(request):
    return request.param


def test_a_statement_prepared_once_answers_each_membership(app, plans):
    app.prepare_threshold = 0
    app.execute("SELECT set_config('plan_cache_mode', %s, false)", (plans,))
    for turn in range(12):
        for membership, seen in SEEN.items():
            with acting_as(app, membership):
                assert column(app.execute(PATIENTS, (ANYBODY,))) == seen, f"turn {turn} as {membership}"
    # It was one statement all along, not one for each membership.
    prepared = app.execute(f"SELECT generic_plans + custom_plans {SERVER_SIDE}")
    assert column(prepared) == [12 * len(SEEN)]


def test_a_generic_plan_of_one_membership_is_not_used_for_the_next(app):
    app.prepare_threshold = 0
    with acting_as(app, "p1"):
        for _ in range(10):
            assert column(app.execute(PATIENTS, (ANYBODY,))) == SEEN["p1"]
        generic = app.execute(f"SELECT generic_plans > 0 {SERVER_SIDE}")
        assert column(generic) == [True]
        app.execute("SET LOCAL fhir_access.membership = 'p2'")
        assert column(app.execute(PATIENTS, (ANYBODY,))) == SEEN["p2"]
        app.execute("SET LOCAL fhir_access.membership = 'p1'")
        assert column(app.execute(PATIENTS, (ANYBODY,))) == SEEN["p1"]


def test_a_prepared_statement_masks_for_the_membership_in_force(app):
    app.prepare_threshold = 0
    query = "SELECT resource -> 'telecom' -> 0 ->> 'value', resource #>> '{name,0,given,0}' FROM patient WHERE id = %s"
    for _ in range(8):
        with acting_as(app, "p1"):
            assert app.execute(query, ("anna",)).fetchone() == ("555-0101", "Anna")
        with acting_as(app, "desk"):
            assert app.execute(query, ("anna",)).fetchone() == (None, None)


def test_a_prepared_search_by_a_hidden_value_finds_nothing(app):
    app.prepare_threshold = 0
    search = "SELECT id FROM patient WHERE resource @> %s"
    phone = psycopg.types.json.Jsonb({"telecom": [{"value": "555-0101"}]})
    for _ in range(8):
        with acting_as(app, "p1"):
            assert column(app.execute(search, (phone,))) == ["anna"]
        with acting_as(app, "desk"):
            assert column(app.execute(search, (phone,))) == []


def test_a_prepared_statement_is_refused_when_the_membership_is_gone(app):
    app.prepare_threshold = 0
    for _ in range(8):
        with acting_as(app, "p1"):
            assert column(app.execute(PATIENTS, (ANYBODY,))) == SEEN["p1"]
        with pytest.raises(psycopg.errors.InvalidAuthorizationSpecification):
            app.execute(PATIENTS, (ANYBODY,))


def test_prepared_updates_follow_the_membership(app):
    app.prepare_threshold = 0
    update = "UPDATE patient SET note = %s WHERE id = %s"
    for _ in range(8):
        with acting_as(app, "p1") as connection:
            assert connection.execute(update, ("seen", "anna")).rowcount == 1
            assert connection.execute(update, ("seen", "carla")).rowcount == 0
            raise psycopg.Rollback
        with acting_as(app, "p2") as connection:
            assert connection.execute(update, ("seen", "anna")).rowcount == 0
            assert connection.execute(update, ("seen", "carla")).rowcount == 1
            raise psycopg.Rollback


def test_rollback_takes_the_membership_back(app):
    app.execute("SET fhir_access.membership = 'p2'")
    assert column(app.execute(PATIENTS, (ANYBODY,))) == SEEN["p2"]
    with app.transaction(force_rollback=True):
        app.execute("SET LOCAL fhir_access.membership = 'p1'")
        assert column(app.execute(PATIENTS, (ANYBODY,))) == SEEN["p1"]
        with app.transaction(force_rollback=True):  # a savepoint
            app.execute("SET LOCAL fhir_access.membership = 'desk'")
            assert column(app.execute(PATIENTS, (ANYBODY,))) == SEEN["desk"]
        assert column(app.execute(PATIENTS, (ANYBODY,))) == SEEN["p1"]
    assert column(app.execute(PATIENTS, (ANYBODY,))) == SEEN["p2"]
    # A session-wide SET is undone with its transaction too.
    with app.transaction(force_rollback=True):
        app.execute("SET fhir_access.membership = 'p1'")
    assert column(app.execute(PATIENTS, (ANYBODY,))) == SEEN["p2"]


def test_set_session_for_the_session_and_for_the_transaction(app):
    app.execute("SELECT fhir_access.set_session('p1', is_local => false)")
    assert column(app.execute("SELECT id FROM patient ORDER BY id")) == SEEN["p1"]
    with acting_as(app, "p2"):
        assert column(app.execute("SELECT id FROM patient ORDER BY id")) == SEEN["p2"]
        session = app.execute("SELECT membership, profile, client_ip FROM fhir_access.session()").fetchone()
        assert session == ("p2", "Practitioner/p2", None)
    assert column(app.execute("SELECT id FROM patient ORDER BY id")) == SEEN["p1"]
    app.execute("SELECT fhir_access.set_session(NULL, is_local => false)")
    with pytest.raises(psycopg.errors.InvalidAuthorizationSpecification):
        app.execute("SELECT id FROM patient")


def test_a_whole_membership_in_the_setting(app):
    document = """{"resourceType": "ProjectMembership", "profile": {"reference": "Practitioner/p2"},
                   "access": [{"policy": {"reference": "AccessPolicy/practice"}}]}"""
    with acting_as(app, document):
        assert column(app.execute("SELECT id FROM patient ORDER BY id")) == SEEN["p2"]


def test_two_connections_do_not_share_a_membership():
    with connect() as one, connect() as other, acting_as(one, "p1"), acting_as(other, "p2"):
        for _ in range(7):
            assert column(one.execute(PATIENTS, (ANYBODY,), prepare=True)) == SEEN["p1"]
            assert column(other.execute(PATIENTS, (ANYBODY,), prepare=True)) == SEEN["p2"]
