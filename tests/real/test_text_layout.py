"""The same resources in tables as a FHIR server makes them: as text, beside columns that repeat parts of them.

What a membership sees there is what it sees in the tables of test_synthea.py, which are held against predicates written by hand.
"""

import pytest
from test_synthea import NAMES, SAME, differences

TABLE = """
CREATE TABLE server."{type}" (
    id uuid PRIMARY KEY, content text NOT NULL, "lastUpdated" timestamptz NOT NULL DEFAULT now(), deleted boolean NOT NULL DEFAULT false,
    "projectId" text, compartments uuid[] NOT NULL DEFAULT '{{}}', "birthDate" date, name text[], code text);
INSERT INTO server."{type}" (id, content, "projectId", "birthDate", name, code)
    SELECT id::uuid, resource::text, resource #>> '{{meta,project}}', (resource ->> 'birthDate')::date,
           ARRAY(SELECT jsonb_path_query(resource, '$.name[*].family') #>> '{{}}'), resource #>> '{{code,coding,0,code}}'
      FROM {table};
INSERT INTO server."{type}" (id, content, deleted) SELECT gen_random_uuid(), '', true FROM generate_series(1, 10);
CREATE INDEX ON server."{type}" USING gin ((fhir_access.document(content)) jsonb_path_ops);
CREATE INDEX ON server."{type}" ("projectId");
GRANT SELECT, INSERT, UPDATE, DELETE ON server."{type}" TO reader;
SELECT fhir_access.protect('server."{type}"', '{type}', 'content', derived_columns => '{derived}', project_column => 'projectId');
"""

DERIVED = {
    "Patient": '{"birthDate": "birthDate", "name": "name.family"}',
    "Observation": '{"code": "code.coding.code"}',
    "Encounter": "{}",
    "AllergyIntolerance": '{"code": "code"}',
}

# Columns that say something else than the document beside them, as it is shown.
UNTRUE = """
SELECT count(*) FROM server."{type}"
 WHERE "birthDate" IS DISTINCT FROM (content::jsonb ->> 'birthDate')::date
    OR "projectId" IS DISTINCT FROM content::jsonb #>> '{{meta,project}}'
    OR code <> coalesce(content::jsonb #>> '{{code,coding,0,code}}', '')
    OR name <> ARRAY(SELECT jsonb_path_query(content::jsonb, '$.name[*].family') #>> '{{}}')
"""


@pytest.fixture(scope="module")
def server(memberships, superuser):
    superuser.execute("CREATE SCHEMA server; GRANT USAGE ON SCHEMA server TO reader")
    for type_name, derived in DERIVED.items():
        superuser.execute(TABLE.format(type=type_name, table=type_name.lower(), derived=derived))
    superuser.execute("ANALYZE")
    yield memberships
    superuser.execute("SET client_min_messages = warning; DROP SCHEMA server CASCADE; RESET client_min_messages")


def rows(connection, query):
    return dict(connection.execute(query).fetchall())


@pytest.mark.parametrize("name", NAMES)
def test_rows_and_fields(name, server, reader):
    with reader.transaction():
        reader.execute("SELECT fhir_access.set_session(%s)", (name,))
        for type_name in DERIVED:
            expected = rows(reader, f"SELECT id, resource::text FROM {type_name.lower()}")
            seen = rows(reader, f'SELECT id::text, content::jsonb::text FROM server."{type_name}"')
            assert differences(seen, expected) == SAME, type_name
            assert reader.execute(UNTRUE.format(type=type_name)).fetchone() == (0,), type_name


@pytest.mark.parametrize("name", ["two-children", "first-entry-decides", "project-south-by-category"])
def test_an_index_serves(name, server, reader):
    with reader.transaction():
        reader.execute("SELECT fhir_access.set_session(%s)", (name,))
        reader.execute("SET LOCAL enable_seqscan = off")
        lines = reader.execute('EXPLAIN (COSTS OFF) SELECT id FROM server."Observation"').fetchall()
        assert any("Index Scan" in line for (line,) in lines), lines


@pytest.mark.parametrize("name", NAMES)
def test_written_back(name, server, superuser):
    """What can be updated is read as text, gets a language, and is written back with other columns: nothing else changes."""
    stored = 'SELECT id::text, content::jsonb FROM server."Patient" WHERE NOT deleted'
    projects = 'SELECT id, "projectId" FROM server."Patient"'
    with superuser.transaction(force_rollback=True):
        before, owned = rows(superuser, stored), rows(superuser, projects)
        superuser.execute("SELECT fhir_access.set_session(%s)", (name,))
        superuser.execute("SET LOCAL ROLE reader")
        changed = """UPDATE server."Patient" SET content = (content::jsonb || '{"language": "de-CH"}')::text, "projectId" = 'x'
                      WHERE (SELECT allowed FROM fhir_access.check('Patient/' || id, 'update')) RETURNING id::text"""
        written = {id for (id,) in superuser.execute(changed)}
        superuser.execute("RESET ROLE")
        assert written or name not in ("everything", "front-desk", "project-north")
        readonly = {"language"} & {field for entry in server[name].expected.get("Patient", []) for field in entry.readonly}
        for id, document in rows(superuser, stored).items():
            new = {"language": "de-CH"} if id in written and not readonly else {}
            assert document == before[id] | new, f"{name} {id}"
        assert rows(superuser, projects) == owned
