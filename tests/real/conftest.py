"""Synthea's patients, one protected table per resource type and all of them in one, in the database that libpq's variables name."""

import gzip
import os
from pathlib import Path

import psycopg
import pytest

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "synthea.ndjson.gz"

TYPES = [
    "AllergyIntolerance", "CarePlan", "Claim", "Condition", "DiagnosticReport", "Encounter", "ExplanationOfBenefit", "Goal",
    "ImagingStudy", "Immunization", "MedicationRequest", "Observation", "Organization", "Patient", "Practitioner", "Procedure",
]  # fmt: skip

# Tables of all types: the column that says a row's type, the argument of protect() that names it, and what finds a type's rows.
ALL_TYPES = {
    "by_column": ("kind text NOT NULL, ", ", resource_type_column => 'kind'", "kind"),
    "by_computed": (
        "kind text GENERATED ALWAYS AS (resource ->> 'resourceType') STORED, ",
        ", resource_type_column => 'kind'",
        "kind",
    ),
    "by_document": ("", "", "(resource ->> 'resourceType')"),
}

# What the data does not have and access control is about: general practitioners (of every second patient, whoever saw
# them first), accounts (two patients and all that is theirs are a laboratory's), and projects (patients by the first
# digit of their id, with all that is theirs; organizations and practitioners are in none).
ENRICH = """
CREATE TEMP TABLE owned AS
    SELECT resource, resource ->> 'resourceType' AS type, resource ->> 'id' AS id,
           CASE WHEN resource ->> 'resourceType' = 'Patient' THEN resource ->> 'id'
                ELSE substr(coalesce(resource #>> '{subject,reference}', resource #>> '{patient,reference}'), 9) END AS patient
      FROM staging;
ANALYZE owned;

WITH first_seen AS (
    SELECT DISTINCT ON (patient) patient, resource #> '{participant,0,individual}' AS practitioner
      FROM owned WHERE type = 'Encounter' AND resource ? 'participant'
     ORDER BY patient, resource #>> '{period,start}', id),
chosen AS (SELECT f.* FROM first_seen f WHERE ('x' || right(patient, 1))::bit(4)::int % 2 = 0)
UPDATE owned o SET resource = resource || jsonb_build_object('generalPractitioner', jsonb_build_array(c.practitioner))
  FROM chosen c WHERE o.type = 'Patient' AND o.id = c.patient;

WITH chosen AS (SELECT id FROM owned WHERE type = 'Patient' ORDER BY md5(id) LIMIT 2)
UPDATE owned o SET resource = jsonb_set(resource, '{meta}', resource -> 'meta' ||
           '{"account": {"reference": "Organization/laboratory"},
             "accounts": [{"reference": "Organization/laboratory"}, {"reference": "Organization/other"}]}')
  FROM chosen c WHERE o.patient = c.id;

UPDATE owned o SET resource = jsonb_set(resource, '{meta,project}', CASE
           WHEN left(patient, 1) < '5' THEN '"north"' WHEN left(patient, 1) < 'a' THEN '"south"' ELSE '"west"' END::jsonb)
 WHERE patient IS NOT NULL;
"""


def connect(user):
    return psycopg.connect(user=user, autocommit=True)


@pytest.fixture(scope="session")
def superuser():
    with connect(os.environ["PGUSER"]) as connection:
        yield connection


@pytest.fixture(scope="session")
def reader():
    with connect("reader") as connection:
        yield connection


@pytest.fixture(scope="session")
def data(superuser):
    """The loaded and protected tables, and some of what is in them, by which memberships are written."""
    if not DATA.exists():
        pytest.skip(f"{DATA.name} is not there")
    with superuser.transaction():
        superuser.execute("CREATE TEMP TABLE staging (resource jsonb) ON COMMIT DROP")
        with superuser.cursor() as cursor, gzip.open(DATA, "rt", encoding="utf-8") as lines:
            with cursor.copy("COPY staging FROM STDIN") as copy:
                for line in lines:
                    copy.write_row((line,))
        superuser.execute(ENRICH)
        for name in TYPES:
            table = name.lower()
            superuser.execute(f"CREATE TABLE {table} (id text PRIMARY KEY, resource jsonb NOT NULL)")
            superuser.execute(f"INSERT INTO {table} SELECT id, resource FROM owned WHERE type = '{name}' ORDER BY id")
            superuser.execute(f"CREATE INDEX ON {table} USING gin (resource jsonb_path_ops)")
            superuser.execute(f"SELECT fhir_access.protect('{table}', '{name}')")
            superuser.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO reader")
        for table, (column, argument, key) in ALL_TYPES.items():
            listed = ", ".join(f"'{name}'" for name in TYPES)
            kind = ("kind, ", "type, ") if table == "by_column" else ("", "")
            superuser.execute(f"CREATE TABLE {table} ({column}id text NOT NULL, resource jsonb NOT NULL)")
            superuser.execute(f"INSERT INTO {table} ({kind[0]}id, resource) SELECT {kind[1]}id, resource FROM owned WHERE type IN ({listed})")
            superuser.execute(f"CREATE UNIQUE INDEX ON {table} ({key}, id)")
            superuser.execute(f"CREATE INDEX ON {table} USING gin (resource jsonb_path_ops)")
            superuser.execute(f"SELECT fhir_access.protect('{table}'{argument})")
            superuser.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO reader")
        superuser.execute("DROP TABLE owned")
    superuser.execute("ANALYZE")

    def first(query):
        return [row[0] for row in superuser.execute(query).fetchall()]

    def most(table, expression):
        counted = f"SELECT {expression} AS of, count(*) AS n FROM {table} GROUP BY 1 HAVING {expression} IS NOT NULL"
        return first(f"SELECT substr(of, strpos(of, '/') + 1) FROM ({counted}) counted ORDER BY n DESC, of LIMIT 3")

    yield {
        "patients": most("allergyintolerance", "resource #>> '{patient,reference}'"),
        "practitioners": most("encounter", "resource #>> '{participant,0,individual,reference}'"),
        "organizations": most("encounter", "resource #>> '{serviceProvider,reference}'"),
        "general": most("patient", "resource #>> '{generalPractitioner,0,reference}'"),
        "encounters": most("observation", "resource #>> '{encounter,reference}'"),
        "requesters": most("medicationrequest", "resource #>> '{requester,reference}'"),
    }


TABLES = {"AccessPolicy": "access_policy", "ProjectMembership": "project_membership", "Project": "project"}


@pytest.fixture(scope="session")
def memberships(data, superuser):
    """The cases by name, their documents stored."""
    from memberships import PROJECTS, as_json, cases  # which takes the types from here

    found = {case.name: case for case in cases(data)}
    documents = [*PROJECTS, *(document for case in found.values() for document in [*case.policies, case.membership])]
    for document in documents:
        table = TABLES[document["resourceType"]]
        superuser.execute(f"INSERT INTO fhir_access.{table} (resource) VALUES (%s)", (as_json(document),))
    return found
