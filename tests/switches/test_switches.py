"""The finished-plan check: with a part of the rewriter switched off, the statements that need it are refused, and show nothing.

The library is a build with the feature `switches`, which no release has: `fhir_access.switched_off` names the part.
"""

import os

import psycopg
import pytest

SHAPE = "this statement reaches the protected relation {} in a way that fhir_access cannot mask: by {}"
MERGED = "its own FROM, or a subquery, view or SQL function that was merged into it"
MERGE = "MERGE INTO patient p USING source s ON p.id = s.id WHEN MATCHED THEN UPDATE SET resource = p.resource || s.resource WHEN NOT MATCHED THEN DO NOTHING"

# The part that is off, a statement that needs it, and how the error ends: the relation and the shape.
CASES = [
    ("output", "SELECT resource FROM patient", "patient", MERGED),
    ("output", "SELECT p FROM patient p", "patient", MERGED),
    ("output", "SELECT * FROM patient", "patient", MERGED),
    ("output", "SELECT born FROM patient", "patient", MERGED),
    ("output", "SELECT resource ->> 'birthDate' FROM patient WHERE resource ->> 'birthDate' < 'z' ORDER BY 1", "patient", MERGED),
    # PostgreSQL asks the index for the last that is not NULL.
    ("output", "SELECT max(resource ->> 'birthDate') FROM patient", "patient", "a condition"),
    ("output", "SELECT max(resource ->> 'birthDate' || '') FROM patient", "patient", MERGED),
    ("output", "SELECT count(*) OVER (PARTITION BY resource) FROM patient", "patient", "a key of sorting, grouping or joining"),
    ("output", "SELECT row_to_json(p) FROM patient p", "patient", MERGED),
    ("output", "SELECT resource FROM encounter", "encounter_0", MERGED),
    ("output", "SELECT e FROM encounter e", "encounter_0", MERGED),
    ("output", "SELECT e.resource #>> '{class,code}' FROM encounter e ORDER BY 1", "encounter_0", "a set operation, partition or child table"),
    ("output", "SELECT DISTINCT resource FROM patient", "patient", "a key of sorting, grouping or joining"),
    ("output", "SELECT id FROM patient ORDER BY resource", "patient", "a key of sorting, grouping or joining"),
    ("output", "INSERT INTO source SELECT id, resource FROM patient", "patient", "what it writes"),
    ("output", "UPDATE source s SET resource = p.resource FROM patient p WHERE p.id = s.id", "patient", "what it writes"),
    ("output", "COPY (SELECT resource FROM patient) TO STDOUT", "patient", MERGED),
    ("output", "CREATE TEMP TABLE taken AS SELECT resource FROM patient", "patient", MERGED),
    ("output", "EXPLAIN SELECT resource FROM patient", "patient", MERGED),
    ("output", "DECLARE c CURSOR WITH HOLD FOR SELECT resource FROM patient", "patient", MERGED),
    ("output", "DO $$ BEGIN PERFORM resource FROM patient; END $$", "patient", MERGED),
    ("conditions", "SELECT id FROM patient WHERE resource ->> 'birthDate' = 'CANARY-1'", "patient", "a condition"),
    ("conditions", "SELECT id FROM patient WHERE resource @> '{\"birthDate\": \"CANARY-1\"}'", "patient", "a condition"),
    ("conditions", "SELECT id FROM patient WHERE born LIKE 'CANARY%'", "patient", "a condition"),
    ("conditions", "SELECT count(*) FROM patient p WHERE p::text LIKE '%CANARY%'", "patient", "a condition"),
    ("conditions", "SELECT a.id FROM patient a JOIN patient b ON a.resource ->> 'birthDate' = b.resource ->> 'birthDate'", "patient", "a condition"),
    ("conditions", "SELECT a.id FROM patient a LEFT JOIN encounter b ON b.resource ->> 'x' = a.resource ->> 'birthDate'", "patient", "a condition"),
    ("conditions", "SELECT a.id FROM patient a JOIN patient b ON a.born = b.born", "patient", "a condition"),
    ("conditions", "SELECT id FROM encounter WHERE resource #>> '{class,code}' = 'CANARY'", "encounter_0", "a condition"),
    ("conditions", "DELETE FROM patient WHERE resource ->> 'birthDate' = 'CANARY-1'", "patient", "a condition"),
    ("conditions", "SELECT id FROM source s WHERE EXISTS (SELECT FROM patient p WHERE p.resource ->> 'birthDate' = s.id)", "patient", MERGED),
    ("subqueries", "SELECT * FROM (SELECT resource FROM patient) s", "patient", MERGED),
    ("subqueries", "SELECT * FROM (SELECT resource FROM patient OFFSET 0) s", "patient", MERGED),
    ("subqueries", "SELECT * FROM seen", "patient", MERGED),
    ("subqueries", "SELECT s.resource ->> 'birthDate' FROM barrier s WHERE s.resource ? 'name' ORDER BY 1", "patient", "a subquery or view in FROM"),
    ("subqueries", "SELECT * FROM invoker", "patient", MERGED),
    ("subqueries", "SELECT l.* FROM source s, LATERAL (SELECT p.resource FROM patient p WHERE p.id > s.id LIMIT 1) l", "patient", MERGED),
    ("setoperations", "SELECT resource FROM source UNION ALL SELECT resource FROM patient", "patient", "a set operation, partition or child table"),
    ("setoperations", "SELECT resource FROM patient INTERSECT SELECT resource FROM source", "patient", "a set operation, partition or child table"),
    ("setoperations", "SELECT id FROM source EXCEPT SELECT resource ->> 'birthDate' FROM patient", "patient", "a set operation, partition or child table"),
    ("ctes", "WITH c AS (SELECT resource FROM patient) SELECT * FROM c", "patient", MERGED),
    ("ctes", "WITH c AS MATERIALIZED (SELECT resource FROM patient) SELECT * FROM c", "patient", "a CTE"),
    ("ctes", "WITH RECURSIVE c AS (SELECT id, resource FROM patient WHERE id = 'p1' UNION ALL SELECT p.id, p.resource FROM patient p JOIN c ON p.id > c.id WHERE false) SELECT * FROM c", "patient", "a CTE"),
    ("ctes", "WITH c AS (DELETE FROM patient WHERE id = 'p1' RETURNING resource) SELECT * FROM c", "patient", "a CTE"),
    ("sublinks", "SELECT (SELECT resource FROM patient WHERE id = 'p1')", "patient", "a subquery in an expression"),
    ("sublinks", "SELECT id FROM source s WHERE EXISTS (SELECT FROM patient p WHERE p.id = s.id AND p.resource ->> 'birthDate' = 'CANARY-1')", "patient", MERGED),
    ("sublinks", "SELECT id FROM source WHERE id NOT IN (SELECT resource ->> 'birthDate' FROM patient)", "patient", "a subquery in an expression"),
    ("sublinks", "SELECT ARRAY(SELECT resource FROM patient)", "patient", "a subquery in an expression"),
    ("sublinks", "SELECT (SELECT p.resource ->> 'birthDate' LIMIT 1) FROM patient p", "patient", "a subquery in an expression"),
    ("sublinks", "SELECT (SELECT count(*) FROM source s WHERE s.id = p.resource ->> 'birthDate') FROM patient p", "patient", "a condition"),
    ("sublinks", "UPDATE source SET resource = (SELECT resource FROM patient WHERE id = 'p1')", "patient", "a subquery in an expression"),
    ("functions", "SELECT * FROM listed()", "patient", MERGED),
    ("functions", "SELECT resource FROM atomic() WHERE resource ->> 'birthDate' = 'CANARY-1'", "patient", MERGED),
    ("functions", "SELECT l.resource FROM source s JOIN listed() l USING (id)", "patient", MERGED),
    ("returning", "DELETE FROM patient RETURNING resource", "patient", "RETURNING"),
    ("returning", "DELETE FROM patient p RETURNING p", "patient", "RETURNING"),
    ("returning", "UPDATE patient SET resource = resource RETURNING resource ->> 'birthDate'", "patient", "RETURNING"),
    ("returning", "INSERT INTO patient (id, resource) SELECT 'n', resource FROM source RETURNING born", "patient", "RETURNING"),
    ("returning", "DELETE FROM source s USING patient p WHERE p.id = s.id RETURNING p.resource", "patient", "RETURNING"),
    ("returning", "UPDATE encounter SET resource = resource RETURNING resource", "encounter_0", "RETURNING"),
    ("onconflict", "INSERT INTO patient (id, resource) SELECT id, resource FROM source ON CONFLICT (id) DO UPDATE SET resource = patient.resource || EXCLUDED.resource", "patient", "ON CONFLICT"),
    ("onconflict", "INSERT INTO patient (id, resource) SELECT id, resource FROM source ON CONFLICT (id) DO UPDATE SET resource = EXCLUDED.resource WHERE patient.resource ->> 'birthDate' = 'CANARY-1'", "patient", "ON CONFLICT"),
    ("merge", MERGE, "patient", "an action of MERGE"),
    ("merge", "MERGE INTO patient p USING source s ON p.id = s.id WHEN MATCHED AND p.resource ->> 'birthDate' = 'CANARY-1' THEN DELETE", "patient", "an action of MERGE"),
    ("merge", "MERGE INTO source s USING patient p ON p.id = s.id WHEN MATCHED THEN UPDATE SET resource = p.resource", "patient", "an action of MERGE"),
    ("views", "SELECT id FROM seen", "patient", MERGED),
    ("views", "SELECT count(*) FROM barrier", "patient", MERGED),
    ("views", "DELETE FROM seen", "patient", MERGED),
    ("views", "INSERT INTO seen (id, resource) SELECT 'n', resource FROM source", "patient", "the relation that it writes to"),
    ("views", "UPDATE seen SET resource = '{}'", "patient", MERGED),
]  # fmt: skip

PARTS = ["output", "conditions", "subqueries", "setoperations", "ctes", "sublinks", "functions", "returning", "onconflict", "merge", "views"]


@pytest.fixture(scope="module")
def superuser():
    with psycopg.connect(user=os.environ["PGUSER"], autocommit=True) as connection:
        yield connection


def run(superuser, part, statement, setting="SELECT"):
    """The error of a statement with a part switched off, and everything that it showed; it changes nothing."""
    with superuser.transaction(force_rollback=True):
        superuser.execute(f"SET LOCAL fhir_access.switched_off = '{part}'")
        superuser.execute("SET LOCAL fhir_access.membership = 'm'")
        superuser.execute("SET LOCAL ROLE asker")
        superuser.execute(setting)
        try:
            with superuser.transaction(), superuser.cursor() as cursor:
                if statement.startswith("COPY"):
                    with cursor.copy(statement) as copied:
                        return None, str([bytes(part) for part in copied])
                cursor.execute(statement)
                return None, str(cursor.fetchall()) if cursor.description else ""
        except psycopg.Error as error:
            diag = error.diag
            return error, " ".join(part or "" for part in (diag.message_primary, diag.message_detail, diag.message_hint, diag.context))


SETTINGS = ["SELECT", "SET LOCAL enable_seqscan = off", "SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off", "SET LOCAL enable_hashagg = off",
            "SET LOCAL enable_sort = off", "SET LOCAL enable_nestloop = off; SET LOCAL enable_hashjoin = off",
            "SET LOCAL force_parallel_mode = on; SET LOCAL parallel_setup_cost = 0; SET LOCAL parallel_tuple_cost = 0"]  # fmt: skip


@pytest.mark.parametrize("part, statement, relation, shape", CASES)
def test_refused(part, statement, relation, shape, superuser):
    error, said = run(superuser, part, statement)
    assert isinstance(error, psycopg.errors.FeatureNotSupported), said
    assert error.diag.message_primary == SHAPE.format(f"public.{relation}", shape)
    assert "CANARY" not in said
    for setting in SETTINGS:
        error, said = run(superuser, part, statement, setting)
        assert isinstance(error, psycopg.errors.FeatureNotSupported) and "CANARY" not in said, setting


@pytest.mark.parametrize("statement", sorted({statement for _, statement, *_ in CASES}))
def test_not_refused_with_all_parts(statement, superuser):
    """With the rewriter whole, the same statements run, and show no hidden value."""
    for setting in SETTINGS:
        error, said = run(superuser, "none", statement, setting)
        assert not isinstance(error, psycopg.errors.FeatureNotSupported), (setting, said)
        assert "CANARY" not in said.replace("CANARY-1'", ""), setting


GATHER_MERGE = """SET LOCAL cpu_operator_cost = 1000; SET LOCAL enable_hashagg = off; SET LOCAL parallel_setup_cost = 0; SET LOCAL parallel_tuple_cost = 0;
    SET LOCAL min_parallel_table_scan_size = 0"""
WINDOW = """SELECT id, count(*) OVER (PARTITION BY to_jsonb(e) #>> '{resource,status}'
    ORDER BY (SELECT s.id FROM source s WHERE s.id > e.resource #>> '{class,code}' ORDER BY s.id LIMIT 1)) FROM encounter e"""


def test_keys_of_a_node_that_puts_columns_in_another_order(superuser):
    with superuser.transaction(force_rollback=True):
        superuser.execute("SET LOCAL fhir_access.membership = 'm'")
        superuser.execute("SET LOCAL ROLE asker")
        superuser.execute(GATHER_MERGE)
        lines = superuser.execute(f"EXPLAIN (COSTS OFF) {WINDOW}").fetchall()
        assert any("Gather Merge" in line for (line,) in lines), lines
        assert len(superuser.execute(WINDOW).fetchall()) == 40


def test_every_part_has_its_statements(superuser):
    known = superuser.execute("SELECT enumvals FROM pg_settings WHERE name = 'fhir_access.switched_off'").fetchone()[0]
    assert sorted(known) == sorted(["none", *PARTS])
    assert {part for part, *_ in CASES} == set(PARTS)
