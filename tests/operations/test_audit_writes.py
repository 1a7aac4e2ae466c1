"""The audit trail: each row that is written, by whomever, and what became of it."""

import pytest
from audit_log import MINE, OBSERVATIONS, details, interaction, patient, target
from conftest import connect, refused


def test_one_line_for_each_row(audited, session):
    log = audited("writes")
    doctor = session("doctor")
    rows = ", ".join(f"('n{number}', '{patient(f'n{number}', **MINE)}')" for number in range(3))
    doctor.execute(f"INSERT INTO patient VALUES {rows}")
    assert log.brief() == [("create", f"Patient/n{number}", "0") for number in range(3)]
    assert doctor.execute("UPDATE patient SET id = id WHERE id LIKE 'n%'").rowcount == 3
    assert log.brief() == [("update", f"Patient/n{number}", "0") for number in range(3)]
    doctor.execute("DELETE FROM patient WHERE id IN ('n0', 'n1')")
    assert log.brief() == [("delete", "Patient/n0", "0"), ("delete", "Patient/n1", "0")]
    doctor.execute("UPDATE patient SET id = id WHERE false")
    assert log.brief() == []


@pytest.mark.parametrize("role", ["attendant", "carrier"])
def test_upserts_and_merge(audited, session, clinic, role):
    log = audited("writes")
    with connect(clinic, role) as connection:
        if role == "attendant":
            connection.execute("SET fhir_access.membership = 'doctor'")
        rows = f"('n1', '{patient('n1', **MINE)}'), ('p1', '{patient('p1', **MINE)}'), ('n2', '{patient('n2', **MINE)}')"
        connection.execute(f"INSERT INTO patient VALUES {rows} ON CONFLICT (id) DO UPDATE SET resource = excluded.resource")
        assert log.brief() == [("create", "Patient/n1", "0"), ("update", "Patient/p1", "0"), ("create", "Patient/n2", "0")]
        # The last row, too.
        rows = f"('n3', '{patient('n3', **MINE)}'), ('p1', '{patient('p1', **MINE)}')"
        connection.execute(f"INSERT INTO patient VALUES {rows} ON CONFLICT (id) DO UPDATE SET resource = excluded.resource")
        assert log.brief() == [("create", "Patient/n3", "0"), ("update", "Patient/p1", "0")]
        connection.execute(f"""MERGE INTO patient p USING (VALUES ('n1', NULL), ('n2', NULL), ('m', '{patient('m', **MINE)}')) AS n (id, new) ON p.id = n.id
            WHEN MATCHED AND n.id = 'n1' THEN DELETE WHEN MATCHED THEN UPDATE SET id = p.id
            WHEN NOT MATCHED THEN INSERT VALUES (n.id, n.new::jsonb)""")
        assert sorted(log.brief()) == [("create", "Patient/m", "0"), ("delete", "Patient/n1", "0"), ("update", "Patient/n2", "0")]


def test_what_is_permitted_and_does_not_take_place(audited, session, superuser):
    log = audited("writes")
    doctor = session("doctor")
    # Nobody knows before the row is there already, and nothing tells afterwards.
    assert doctor.execute(f"INSERT INTO patient VALUES ('p1', '{patient('p1', **MINE)}') ON CONFLICT DO NOTHING").rowcount == 0
    assert log.brief() == [("create", "Patient/p1", "0")]
    refused(doctor, f"INSERT INTO patient VALUES ('p1', '{patient('p1', **MINE)}')", "23505")
    assert log.brief() == [("create", "Patient/p1", "0"), ("transaction", None, "8")]
    # A constraint that the row brought does not meet is not asked where a stored row is updated instead.
    superuser.execute("""UPDATE fhir_access.access_policy SET resource = jsonb_set(resource, '{resource,0,writeConstraint}',
        '[{"language": "text/fhirpath", "expression": "%before.exists()"}]') WHERE id = 'practice'""")
    doctor.execute(f"INSERT INTO patient VALUES ('p1', '{patient('p1', **MINE)}') ON CONFLICT (id) DO UPDATE SET resource = excluded.resource")
    assert log.brief() == [("update", "Patient/p1", "0")]
    refused(doctor, f"INSERT INTO patient VALUES ('n1', '{patient('n1', **MINE)}') ON CONFLICT (id) DO UPDATE SET resource = excluded.resource", "42501")
    event = log.event()
    assert (interaction(event), target(event["entity"][0]), event["outcome"]) == ("create", "Patient/n1", "4")
    assert (event["entity"][0]["name"], details(event, "constraint")) == ("public.patient", ["AccessPolicy/practice resource[0].writeConstraint[0]"])


@pytest.mark.parametrize("role", ["attendant", "carrier"])
def test_a_row_that_moves_to_another_partition_is_updated(audited, clinic, superuser, role):
    log = audited("writes")
    superuser.execute("""UPDATE fhir_access.access_policy SET resource = jsonb_insert(resource, '{resource,0}', '{"resourceType": "Observation"}')
                          WHERE id = 'practice'""")
    with connect(clinic, role) as connection:
        if role == "attendant":
            connection.execute("SET fhir_access.membership = 'doctor'")
        connection.execute(f"UPDATE {OBSERVATIONS} SET recorded = '2027-01-01' WHERE \"the id\" IN ('o1', 'o2')")
        events = log.events()
        assert [(interaction(event), target(event["entity"][0])) for event in events] == [("update", "Observation/o1"), ("update", "Observation/o2")]
        assert events[0]["entity"][0]["name"] == '"The Clinic".observation_2025'
        # Not every delete that follows an update is a movement.
        connection.execute(f"UPDATE {OBSERVATIONS} SET recorded = '2025-06-11' WHERE \"the id\" = 'o1'")
        connection.execute(f"DELETE FROM {OBSERVATIONS} WHERE \"the id\" = 'o1'")
        assert log.brief() == [("update", "Observation/o1", "0"), ("delete", "Observation/o1", "0")]


def test_whoever_is_exempt_is_recorded(audited, clinic, superuser):
    log = audited("writes")
    with connect(clinic, "carrier") as carrier:
        with carrier.cursor() as cursor, cursor.copy("COPY patient (id, resource) FROM STDIN") as target_:
            target_.write_row(("c1", patient("c1")))
            target_.write_row(("c2", patient("c2")))
        carrier.execute("TRUNCATE patient CASCADE")
    created, also, emptied = log.events()
    assert [interaction(created), interaction(also)] == ["create", "create"]
    assert [agent.get("altId") for agent in created["agent"]] == ["carrier"]
    assert created["agent"][0]["requestor"] is True
    assert details(created, "entry") == []
    assert (interaction(emptied), target(emptied["entity"][0]), emptied["outcomeDesc"]) == ("delete", "Patient", "TRUNCATE")
    with connect(clinic) as connection:
        connection.execute("SET ROLE carrier")
        connection.execute(f"INSERT INTO patient VALUES ('c3', '{patient('c3')}')")
        event = log.event()
        # The role that it was done as, and the one that logged in.
        assert [agent["altId"] for agent in event["agent"]] == ["carrier", superuser.info.user]
        assert [agent["requestor"] for agent in event["agent"]] == [True, False]


def test_a_function_with_its_owners_rights(audited, session, superuser):
    log = audited("writes")
    superuser.execute("""CREATE FUNCTION touch() RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = public
                         AS $$ UPDATE patient SET id = id WHERE id = 'p2' $$""")
    session("doctor").execute("SELECT touch()")
    event = log.event()
    # On whose behalf, with whose rights, and who is connected. No policy permitted it.
    assert [agent["altId"] for agent in event["agent"]] == ["ProjectMembership/doctor", superuser.info.user, "attendant"]
    assert all("policy" not in agent for agent in event["agent"])


def test_what_a_foreign_key_leads_to_is_the_writers(audited, session, superuser):
    log = audited("writes")
    superuser.execute("CREATE TABLE account (id text PRIMARY KEY REFERENCES patient ON DELETE CASCADE, resource jsonb NOT NULL)")
    superuser.execute("INSERT INTO account VALUES ('p1', '{\"resourceType\": \"Account\", \"id\": \"p1\"}')")
    superuser.execute("SELECT fhir_access.protect('account', 'Account')")
    superuser.execute("""UPDATE fhir_access.access_policy SET resource = jsonb_insert(resource, '{resource,0}', '{"resourceType": "Account"}')
                          WHERE id = 'practice'""")
    log.forget()
    session("doctor").execute("DELETE FROM patient WHERE id = 'p1'")
    events = log.events()
    assert [(interaction(event), target(event["entity"][0])) for event in events] == [("delete", "Patient/p1"), ("delete", "Account/p1")]
    assert all([agent["altId"] for agent in event["agent"]] == ["ProjectMembership/doctor", "attendant"] for event in events)


def test_transactions_that_are_rolled_back(audited, session):
    log = audited("writes")
    doctor = session("doctor")
    with doctor.transaction(force_rollback=True):
        doctor.execute("UPDATE patient SET id = id WHERE id IN ('p1', 'p4')")
        number = doctor.execute("SELECT pg_current_xact_id()::text").fetchone()[0]
    first, second, last = log.events()
    assert details(first, "transaction") == details(second, "transaction") == details(last, "transaction") == [number]
    assert (interaction(last), last["outcome"], last["outcomeDesc"]) == ("transaction", "8", "rolled back, with 2 recorded writes")
    assert last["agent"][0]["altId"] == "ProjectMembership/doctor"
    # A refusal in the middle of a statement undoes what was permitted before it.
    new = [patient("n1", **MINE), patient("n2")]
    refused(doctor, f"INSERT INTO patient VALUES ('n1', '{new[0]}'), ('n2', '{new[1]}')", "42501")
    assert [(interaction(event), event["outcome"]) for event in log.events()] == [("create", "0"), ("create", "4"), ("transaction", "8")]
    # One that is committed says nothing more, and neither does one that wrote nothing.
    with doctor.transaction():
        doctor.execute("UPDATE patient SET id = id WHERE id = 'p1'")
    refused(doctor, "SELECT 1/0", "22012")
    assert log.brief() == [("update", "Patient/p1", "0")]


def test_savepoints_that_are_rolled_back(audited, session):
    log = audited("writes")
    doctor = session("doctor")

    def update(id):
        doctor.execute("UPDATE patient SET id = id WHERE id = %s", (id,))

    with doctor.transaction():
        update("p1")
        doctor.execute("SAVEPOINT a")
        update("p4")
        doctor.execute("SAVEPOINT b")
        update("p7")
        doctor.execute("RELEASE b")
        doctor.execute("ROLLBACK TO a")
        update("p10")
        doctor.execute("SAVEPOINT c")
        update("p13")
        doctor.execute("RELEASE c")
    p1, p4, p7, undone, p10, p13 = log.events()
    assert [interaction(event) for event in (p1, p4, p7, undone, p10, p13)] == ["update"] * 3 + ["transaction"] + ["update"] * 2
    assert undone["outcomeDesc"] == "rolled back, with 2 recorded writes"
    assert len({details(event, "transaction")[0] for event in (p1, p4, p7, undone, p10, p13)}) == 1
    [first] = map(int, details(undone, "subtransaction"))
    # The rule of docs/audit.md finds what was undone.
    assert details(p1, "subtransaction") == []
    assert all(int(details(event, "subtransaction")[0]) >= first for event in (p4, p7))
    # All of them, at last.
    with doctor.transaction(force_rollback=True):
        update("p1")
        doctor.execute("SAVEPOINT a")
        update("p4")
        doctor.execute("RELEASE a")
    assert log.events()[-1]["outcomeDesc"] == "rolled back, with 2 recorded writes"
