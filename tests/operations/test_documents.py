"""The documents' own tables, under policies: what a dump brings back, sessions without the library, the audit trail."""

import pytest
from conftest import SUPERUSER, connect, create_database, drop_database, refused, run

MEMBERSHIPS = "SELECT id FROM fhir_access.project_membership ORDER BY id"
TABLES = ["access_policy", "project_membership", "project"]
GRANTS = "GRANT SELECT, DELETE, INSERT (resource), UPDATE (resource) ON fhir_access.project_membership TO attendant, unloaded"
ADMINISTRATOR = """INSERT INTO fhir_access.project_membership (resource) VALUES
    ('{"resourceType": "ProjectMembership", "id": "admin", "project": {"reference": "Project/main"}, "admin": true}')"""


@pytest.fixture
def administered(clinic, superuser):
    superuser.execute(GRANTS)
    superuser.execute(ADMINISTRATOR)
    return clinic


def protection(connection):
    """Row security, policies and triggers of the documents' tables."""
    return [
        connection.execute(f"""SELECT relrowsecurity, relforcerowsecurity, relacl::text,
                (SELECT array_agg(attname || attacl::text) FROM pg_attribute WHERE attrelid = c.oid AND attacl IS NOT NULL),
                (SELECT array_agg(polname || polpermissive::text || pg_get_expr(polqual, polrelid) ORDER BY polname) FROM pg_policy WHERE polrelid = c.oid),
                (SELECT array_agg(tgname || tgenabled::text ORDER BY tgname) FROM pg_trigger WHERE tgrelid = c.oid)
           FROM pg_class c WHERE oid = 'fhir_access.{table}'::regclass""").fetchone()
        for table in TABLES
    ]


def administers(database):
    """An administrator sees and writes the memberships of its project, and no others."""
    with connect(database, "attendant") as attendant:
        attendant.execute("SET fhir_access.membership = 'admin'")
        assert attendant.execute(MEMBERSHIPS).fetchall() == [("admin",)]
        attendant.execute("""INSERT INTO fhir_access.project_membership (resource) VALUES ('{"resourceType": "ProjectMembership", "id": "new"}')""")
        assert attendant.execute("DELETE FROM fhir_access.project_membership WHERE id <> 'admin' RETURNING id").fetchall() == [("new",)]
        attendant.execute("SET fhir_access.membership = 'doctor'")
        assert attendant.execute(MEMBERSHIPS).fetchall() == []
        refused(attendant, """INSERT INTO fhir_access.project_membership (resource) VALUES ('{"resourceType": "ProjectMembership", "id": "new"}')""", "42501")
        attendant.execute("RESET fhir_access.membership")
        refused(attendant, MEMBERSHIPS, "28000")


@pytest.mark.parametrize("loaded", [True, False])
@pytest.mark.parametrize("kind", ["plain", "custom"])
def test_a_dump_brings_their_protection_back(administered, superuser, kind, loaded, tmp_path):
    before = protection(superuser)
    administers(administered)
    dumped = run("pg_dump", "--username", SUPERUSER, f"--format={kind}", "--file", tmp_path / "dump", administered)
    assert (dumped.returncode, dumped.stderr) == (0, "")
    copy = create_database("operations_copy")
    try:
        options = "" if loaded else "-c session_preload_libraries=plpgsql"
        if kind == "plain":
            restored = run("psql", "-X", "--quiet", "--username", SUPERUSER, "--set=ON_ERROR_STOP=1", "--file", tmp_path / "dump", "--dbname", copy, options=options)
        else:
            restored = run("pg_restore", "--username", SUPERUSER, "--exit-on-error", "--dbname", copy, tmp_path / "dump", options=options)
        assert restored.returncode == 0, restored.stderr
        with connect(copy) as connection:
            assert protection(connection) == before
            # One row of the registry for each, as CREATE EXTENSION made it.
            rows = connection.execute("SELECT relation::text FROM fhir_access.protection WHERE relation::text LIKE 'fhir_access.%' ORDER BY 1").fetchall()
            assert rows == [("fhir_access.access_policy",), ("fhir_access.project",), ("fhir_access.project_membership",)]
        administers(copy)
    finally:
        drop_database(copy)


def test_restore_over_what_is_there(administered, superuser, tmp_path):
    before = protection(superuser)
    superuser.execute("""DROP TABLE "The Clinic"."Observation's" """)
    assert run("pg_dump", "--username", SUPERUSER, "--format=custom", "--file", tmp_path / "dump", administered).returncode == 0
    command = ["pg_restore", "--username", SUPERUSER, "--exit-on-error", "--clean", "--if-exists", "--dbname", administered, tmp_path / "dump"]
    restored = run(*command)
    assert restored.returncode == 0, restored.stderr
    assert protection(superuser) == before
    administers(administered)


def test_a_dump_of_them_by_a_role_that_is_subject_to_policies_fails(administered, tmp_path):
    command = ["pg_dump", "--username", "dumper", "--format=plain", "--file", tmp_path / "dump", "--extension=fhir_access", "--table=fhir_access.*", administered]
    dumped = run(*command)
    assert dumped.returncode != 0 and "row-level security" in dumped.stderr, dumped.stderr


def test_the_first_grant_brings_the_visible_policies(clinic, superuser):
    def policies():
        return superuser.execute("SELECT polrelid::regclass::text, count(*) FROM pg_policy WHERE polrelid::regclass::text LIKE 'fhir_access.%' GROUP BY 1 ORDER BY 1").fetchall()

    superuser.execute("GRANT SELECT ON patient TO dumper")
    assert policies() == []
    superuser.execute("GRANT SELECT (id) ON fhir_access.project TO attendant")
    assert policies() == [("fhir_access.project", 2)]
    superuser.execute("REVOKE ALL ON fhir_access.project FROM attendant")
    superuser.execute("GRANT SELECT ON ALL TABLES IN SCHEMA fhir_access TO attendant")
    assert policies() == [("fhir_access.access_policy", 2), ("fhir_access.project", 2), ("fhir_access.project_membership", 2)]


def test_a_session_without_the_library(administered):
    statements = [MEMBERSHIPS, "UPDATE fhir_access.project_membership SET resource = resource", "DELETE FROM fhir_access.project_membership",
                  """INSERT INTO fhir_access.project_membership (resource) VALUES ('{"resourceType": "ProjectMembership"}')"""]  # fmt: skip
    with connect(administered, "unloaded") as unloaded:
        for statement in statements * 2:
            refused(unloaded, statement, "55000")
        unloaded.execute("SELECT * FROM fhir_access.validate('{}')")
        for statement in statements:
            refused(unloaded, statement, "55000")


def test_they_are_in_the_audit_trail(administered, audited, superuser):
    log = audited("writes")
    with connect(administered, "attendant") as attendant:
        attendant.execute("SET fhir_access.membership = 'admin'")
        attendant.execute("""INSERT INTO fhir_access.project_membership (resource) VALUES ('{"resourceType": "ProjectMembership", "id": "new"}')""")
        refused(attendant, """INSERT INTO fhir_access.project_membership (resource) VALUES
            ('{"resourceType": "ProjectMembership", "id": "other", "accessPolicy": {"reference": "AccessPolicy/practice"}}')""", "42501")
    with connect(administered) as other:
        other.execute("DELETE FROM fhir_access.project_membership WHERE id = 'new'")
    assert log.brief() == [("create", "ProjectMembership/new", "0"), ("create", "ProjectMembership/other", "4"), ("delete", "ProjectMembership/new", "0")]
