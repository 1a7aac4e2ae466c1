"""What the extension shows is what the explicit predicate and the explicit mask select; what it stores likewise."""

import psycopg
import pytest
from conftest import ALL_TYPES, TYPES
from memberships import Entry, cases


class Anything(dict):
    """Stands for what is known only when the data is loaded."""

    def __missing__(self, _):
        return ["1", "2", "3"]


NAMES = [case.name for case in cases(Anything())]
every_membership = pytest.mark.parametrize("name", NAMES)


def selected(entries):
    """The rows and fields of some entries, as a superuser selects them."""
    granted = " OR ".join(f"({entry.rows})" for entry in entries) or "false"
    fields = " ".join(f"WHEN {entry.rows} THEN {entry.fields}" for entry in entries) or "WHEN false THEN resource"
    return f"(CASE {fields} END)", f"({granted})"


def differences(seen, expected):
    """Ids that one of the two lacks, and ids whose documents differ."""
    missing, surplus = expected.keys() - seen.keys(), seen.keys() - expected.keys()
    changed = {id for id in seen.keys() & expected.keys() if seen[id] != expected[id]}
    example = next(((seen[id], expected[id]) for id in sorted(changed)), None)
    return {"missing": sorted(missing)[:5], "surplus": sorted(surplus)[:5], "changed": len(changed), "example": example}


SAME = {"missing": [], "surplus": [], "changed": 0, "example": None}


def compare(case, superuser, reader):
    """Every table, as the reader sees it now and as it is selected by hand; returns how many rows that were."""
    total = 0
    for type_name in TYPES:
        table = type_name.lower()
        fields, rows = selected(case.expected.get(type_name, []))
        expected = dict(superuser.execute(f"SELECT id, {fields}::text FROM {table} WHERE {rows}").fetchall())
        seen = dict(reader.execute(f"SELECT id, resource::text FROM {table}").fetchall())
        assert differences(seen, expected) == SAME, type_name
        total += len(expected)
    return total


@every_membership
def test_rows_and_fields(name, memberships, superuser, reader):
    with reader.transaction():
        reader.execute("SELECT fhir_access.set_session(%s)", (name,))
        # A membership that reaches nothing would show nothing about its rows.
        assert compare(memberships[name], superuser, reader) > 0


@every_membership
@pytest.mark.parametrize("table", ALL_TYPES)
def test_one_table_for_all_types(table, name, memberships, reader):
    """The same rows and fields, and by every type's name those of its own table."""
    query = "SELECT resource ->> 'resourceType' AS type, id, resource::text FROM"
    separate = " UNION ALL ".join(f"{query} {name.lower()}" for name in TYPES)
    key = ALL_TYPES[table][2]
    with reader.transaction():
        reader.execute("SELECT fhir_access.set_session(%s)", (name,))
        expected = {(kind, id): text for kind, id, text in reader.execute(separate)}
        seen = {(kind, id): text for kind, id, text in reader.execute(f"{query} {table}")}
        assert differences(seen, expected) == SAME
        counts = dict(reader.execute(f"SELECT {key}, count(*) FROM {table} GROUP BY 1").fetchall())
        assert sum(counts.values()) == len(expected)
        for kind in counts:
            found = reader.execute(f"{query} {table} WHERE {key} = '{kind}'").fetchall()
            assert {(kind, id): text for kind, id, text in found} == {key: text for key, text in expected.items() if key[0] == kind}


@every_membership
@pytest.mark.parametrize("table", ALL_TYPES)
def test_one_update_of_each_type(table, name, memberships, superuser):
    """What is stored, or refused, is what the type's own table does."""
    key = ALL_TYPES[table][2]
    for type_name in TYPES:
        row = superuser.execute(f"SELECT id FROM {type_name.lower()} ORDER BY md5(id || %s) LIMIT 1", (name,)).fetchone()
        expected = written(superuser, name, type_name.lower(), row[0], "true")
        assert written(superuser, name, table, row[0], f"{key} = '{type_name}'") == expected, f"{type_name}/{row[0]}"


def written(superuser, name, table, id, of_type):
    """What an update returns and stores, or its error's text."""
    with superuser.transaction(force_rollback=True):
        superuser.execute("SELECT fhir_access.set_session(%s)", (name,))
        superuser.execute("SET LOCAL ROLE reader")
        update = f"""UPDATE {table} SET resource = resource || '{{"language": "de-CH"}}' WHERE id = %s AND {of_type} RETURNING resource::text"""
        try:
            with superuser.transaction():
                returned = superuser.execute(update, (id,)).fetchall()
        except psycopg.errors.InsufficientPrivilege as refused:
            return refused.diag.message_primary, refused.diag.message_detail
        superuser.execute("RESET ROLE")
        return returned, superuser.execute(f"SELECT resource::text FROM {table} WHERE id = %s AND {of_type}", (id,)).fetchall()


PLANS = {
    "Gather": "SET LOCAL force_parallel_mode = on; SET LOCAL parallel_setup_cost = 0; SET LOCAL parallel_tuple_cost = 0",
    "Bitmap Index Scan": "SET LOCAL enable_seqscan = off",
}


@pytest.mark.parametrize("plan", PLANS)
@pytest.mark.parametrize("name", ["two-children", "first-entry-decides", "project-south-by-category", "laboratory-account"])
def test_in_other_plans(plan, name, memberships, superuser, reader):
    """In parallel workers, and by the index alone."""
    with reader.transaction():
        reader.execute("SELECT fhir_access.set_session(%s)", (name,))
        reader.execute(PLANS[plan])
        lines = reader.execute("EXPLAIN (COSTS OFF) SELECT id, resource FROM observation").fetchall()
        assert any(plan in line for (line,) in lines), lines
        assert compare(memberships[name], superuser, reader) > 0


# `it` stands for the table, or for what is selected from it by hand.
QUERIES = [
    "SELECT md5(string_agg(t::text, ',' ORDER BY id)) FROM it t",
    """SELECT resource ->> 'status', resource #>> '{code,coding,0,code}', resource ->> 'birthDate', count(*)
         FROM it t GROUP BY 1, 2, 3 ORDER BY 1, 2, 3""",
    """SELECT count(*), min(id) FROM it t
        WHERE resource @> '{"status": "final"}' OR resource ? 'telecom' OR resource #> '{valueQuantity}' IS NOT NULL""",
    "SELECT id FROM it t ORDER BY resource ->> 'birthDate', resource #>> '{valueQuantity,value}', resource ->> 'issued', id",
    "SELECT count(*) FROM it t JOIN claim c ON c.resource #>> '{patient,reference}' = t.resource #>> '{subject,reference}'",
    "WITH found AS (SELECT * FROM it t) SELECT count(*), count(resource -> 'code'), count(resource -> 'subject') FROM found",
]


@every_membership
def test_other_ways_to_ask(name, memberships, superuser, reader):
    """Whole rows, aggregates, grouping by a field, a join and COPY: the same rows and fields."""
    case = memberships[name]
    with reader.transaction():
        reader.execute("SELECT fhir_access.set_session(%s)", (name,))
        for type_name in ("Patient", "Observation", "Encounter", "ExplanationOfBenefit"):
            table = type_name.lower()
            fields, rows = selected(case.expected.get(type_name, []))
            by_hand = f"(SELECT id, {fields} AS resource FROM {table} WHERE {rows})"
            claim_fields, claim_rows = selected(case.expected.get("Claim", []))
            claims = f"(SELECT {claim_fields} AS resource FROM claim WHERE {claim_rows})"
            for query in QUERIES:
                expected = superuser.execute(query.replace("FROM it", f"FROM {by_hand}").replace("JOIN claim", f"JOIN {claims}")).fetchall()
                assert reader.execute(query.replace("FROM it", f"FROM {table}")).fetchall() == expected, f"{type_name}: {query}"
            copied = copy(reader, f"COPY (SELECT id, resource FROM {table} ORDER BY id) TO STDOUT")
            assert copied == copy(superuser, f"COPY (SELECT * FROM {by_hand} t ORDER BY id) TO STDOUT")


def copy(connection, statement):
    with connection.cursor() as cursor, cursor.copy(statement) as parts:
        return b"".join(bytes(part) for part in parts)


@every_membership
def test_one_update_in_every_table(name, memberships, superuser):
    """A document is read, gets a language, and is written back: stored is the old one with the language."""
    case = memberships[name]
    for type_name in TYPES:
        table = type_name.lower()
        entries = case.expected.get(type_name, [])
        for entry in entries or [Entry("true")]:
            before = [earlier.rows for earlier in entries[: entries.index(entry)]] if entries else []
            alone = " AND ".join([f"({entry.rows})", *(f"({rows}) IS NOT TRUE" for rows in before)])
            row = superuser.execute(f"SELECT id FROM {table} WHERE {alone} ORDER BY md5(id) LIMIT 1").fetchone()
            if row is not None:
                update_one(superuser, name, table, type_name, row[0], entries)


def update_one(superuser, name, table, type_name, id, entries):
    stored = f"SELECT resource::text FROM {table} WHERE id = %s"
    changed = f"""SELECT (resource || '{{"language": "de-CH"}}')::text FROM {table} WHERE id = %s"""
    permits = (entry for entry in entries if entry.update and holds(superuser, table, id, entry.rows))
    permit = next(permits, None)
    with superuser.transaction(force_rollback=True):
        expected = superuser.execute(stored if permit and "language" in permit.readonly else changed, (id,)).fetchone()
        superuser.execute("SELECT fhir_access.set_session(%s)", (name,))
        superuser.execute("SET LOCAL ROLE reader")
        seen = superuser.execute(f"SELECT resource FROM {table} WHERE id = %s", (id,)).fetchone()
        assert (seen is not None) == bool(entries), f"{type_name}/{id}"
        update = f"""UPDATE {table} SET resource = resource || '{{"language": "de-CH"}}' WHERE id = %s RETURNING resource"""
        if permit is None and seen is not None:
            with pytest.raises(psycopg.errors.InsufficientPrivilege) as refused, superuser.transaction():
                superuser.execute(update, (id,))
            assert refused.value.diag.message_primary == f"update of {type_name}/{id} is not permitted"
            return
        returned = superuser.execute(update, (id,)).fetchone()
        assert (returned is not None) == bool(entries)
        if returned is not None:
            unchanged = "language" in permit.readonly
            assert returned[0] == seen[0] | ({} if unchanged else {"language": "de-CH"}), f"{type_name}/{id}"
            superuser.execute("RESET ROLE")
            assert superuser.execute(stored, (id,)).fetchone() == expected, f"{type_name}/{id}"


def holds(superuser, table, id, rows):
    return superuser.execute(f"SELECT EXISTS (SELECT FROM {table} WHERE id = '{id}' AND ({rows}))").fetchone()[0]


def test_nobody_sees_anything(data, reader):
    for type_name in TYPES:
        with pytest.raises(psycopg.errors.InvalidAuthorizationSpecification):
            reader.execute(f"SELECT count(*) FROM {type_name.lower()}")


def test_every_table_is_protected(data, superuser):
    query = "SELECT coalesce(resource_type, relation::text) FROM fhir_access.protected_relation WHERE row_security"
    assert sorted(row[0] for row in superuser.execute(query)) == sorted([*TYPES, *ALL_TYPES])
