"""A pool of connections used by two memberships in turn: nothing is carried over."""

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from conftest import acting_as, column
from psycopg_pool import ConnectionPool

SEEN = {"p1": ["anna", "ben"], "p2": ["carla"]}
NOBODY = psycopg.errors.InvalidAuthorizationSpecification
PATIENTS = "SELECT id FROM patient ORDER BY id"


@pytest.fixture(params=[1, 3])
def pool(request):
    options = {"user": "driver", "autocommit": True, "prepare_threshold": 2}
    with ConnectionPool(kwargs=options, min_size=request.param, max_size=request.param) as pool:
        yield pool


@pytest.mark.parametrize("rollback", [False, True], ids=["commit", "rollback"])
def test_memberships_in_turn(pool, rollback):
    for turn in range(20):
        membership = ["p1", "p2"][turn % 2]
        with pool.connection() as connection:
            # Whoever had this connection before is not known to it any more.
            with pytest.raises(NOBODY):
                connection.execute(PATIENTS)
            with connection.transaction(force_rollback=rollback):
                connection.execute(psycopg.sql.SQL("SET LOCAL fhir_access.membership = {}").format(membership))
                assert column(connection.execute(PATIENTS)) == SEEN[membership]
            with pytest.raises(NOBODY):
                connection.execute(PATIENTS)


def test_a_failed_statement_carries_nothing_over(pool):
    for _ in range(8):
        with pool.connection() as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
            with acting_as(connection, "p1"):
                connection.execute("INSERT INTO patient (id, resource) VALUES ('x', '{\"resourceType\": \"Patient\", \"id\": \"x\"}')")
        with pool.connection() as connection:
            assert connection.execute("SELECT membership FROM fhir_access.session()").fetchone() == (None,)
            with pytest.raises(NOBODY):
                connection.execute(PATIENTS)


def test_many_threads(pool):
    def work(number):
        membership = ["p1", "p2"][number % 2]
        with pool.connection() as connection, acting_as(connection, membership):
            return column(connection.execute(PATIENTS)) == SEEN[membership]

    with ThreadPoolExecutor(6) as threads:
        assert all(threads.map(work, range(200)))
