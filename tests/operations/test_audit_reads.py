"""The audit trail: each statement that reads."""

from audit_log import OBSERVATIONS, details, interaction, target
from conftest import connect, refused


def test_one_line_for_each_statement_that_reads(audited, session):
    log = audited("all")
    doctor = session("doctor")
    doctor.execute("SELECT * FROM patient")
    event = log.event()
    assert (interaction(event), event["action"], target(event["entity"][0]), event["entity"][0]["name"]) == ("search", "E", "Patient", "public.patient")
    assert event["agent"][0]["altId"] == "ProjectMembership/doctor"
    doctor.execute(f"SELECT FROM patient a, patient b WHERE EXISTS (SELECT FROM {OBSERVATIONS} o WHERE o.\"the id\" = a.id)")
    assert [sorted(target(entity) for entity in event["entity"]) for event in log.events()] == [["Observation", "Patient"]]
    doctor.execute("PREPARE q AS SELECT * FROM patient WHERE id = $1")
    assert log.brief() == []
    doctor.execute("EXECUTE q ('p1')")
    doctor.execute("EXECUTE q ('p2')")
    assert log.brief() == [("search", "Patient", "0")] * 2
    with doctor.transaction():
        doctor.execute("DECLARE c CURSOR FOR SELECT * FROM patient")
        doctor.execute("FETCH 1 FROM c")
        doctor.execute("FETCH ALL FROM c")
    assert log.brief() == [("search", "Patient", "0")]
    doctor.execute("EXPLAIN SELECT * FROM patient")
    doctor.execute("SELECT 1")
    doctor.execute("SELECT * FROM fhir_access.check('Patient/p1', 'read')")
    assert log.brief() == []
    doctor.execute("EXPLAIN ANALYZE SELECT * FROM patient")
    assert log.brief() == [("search", "Patient", "0")]


def test_reading_by_exempt_roles_and_copy(audited, clinic, session):
    log = audited("all")
    with connect(clinic, "carrier") as carrier:
        for statement in ["COPY patient TO STDOUT", "COPY (SELECT * FROM patient) TO STDOUT"]:
            with carrier.cursor() as cursor, cursor.copy(statement) as rows:
                assert len(list(rows)) > 0
            event = log.event()
            assert (interaction(event), target(event["entity"][0]), event["agent"][0]["altId"]) == ("search", "Patient", "carrier")
    with session("doctor").cursor() as cursor, cursor.copy("COPY patient TO STDOUT") as rows:
        assert len(list(rows)) > 0
    assert log.brief() == [("search", "Patient", "0")]


def test_what_postgresql_reads_by_itself(audited, session):
    log = audited("all")
    doctor = session("doctor")
    doctor.execute("INSERT INTO not_protected VALUES (1, 'p1')")
    assert log.brief() == []


def test_parallel_workers_read_for_their_leader(audited, session):
    log = audited("all")
    doctor = session("doctor")
    for setting in ["force_parallel_mode = on", "parallel_setup_cost = 0", "parallel_tuple_cost = 0", "min_parallel_table_scan_size = 0"]:
        doctor.execute(f"SET {setting}")
    assert doctor.execute("SELECT count(*) FROM patient").fetchone() == (10,)
    assert log.brief() == [("search", "Patient", "0")]


def test_the_query_id(audited, clinic):
    log = audited("all")
    with connect(clinic) as connection:
        connection.execute("SELECT count(*) FROM patient")
        assert details(log.event(), "query-id") == []
        connection.execute("SET compute_query_id = on")
        connection.execute("SELECT count(*) FROM patient WHERE id = 'x'")
        connection.execute("SELECT count(*) FROM patient WHERE id = 'y'")
        one, other = (details(event, "query-id") for event in log.events())
        assert one == other
        assert one[0] == str(int(one[0]))


def test_read_names_the_resource_that_it_gives(audited, session, clinic):
    log = audited("all")
    doctor = session("doctor")
    doctor.execute("SELECT fhir_access.read('Patient', 'p1')")
    assert log.brief() == [("read", "Patient/p1", "0")]
    doctor.execute("SELECT fhir_access.read('Patient', 'nobody')")
    assert log.brief() == []
    with connect(clinic, "carrier") as carrier:
        carrier.execute("SELECT fhir_access.read('Patient', 'p1')")
    assert log.brief() == [("read", "Patient/p1", "0")]


def test_versions_and_histories(audited, session, superuser):
    superuser.execute("CREATE TABLE patient_history AS SELECT id, 7 AS version, resource FROM patient")
    superuser.execute("SELECT fhir_access.protect('patient_history', 'Patient', history_of => 'patient', version_column => 'version')")
    superuser.execute("GRANT SELECT ON patient_history TO attendant")
    log = audited("all")
    doctor = session("doctor")
    doctor.execute("SELECT fhir_access.vread('Patient', 'p1', '7')")
    assert log.brief() == [("vread", "Patient/p1/_history/7", "0")]
    doctor.execute("SELECT fhir_access.vread('Patient', 'p1', '8')")
    assert log.brief() == []
    doctor.execute("SELECT * FROM patient_history")
    assert log.brief() == [("history", "Patient", "0")]
    doctor.execute("SELECT FROM patient_history JOIN patient USING (id)")
    assert log.brief() == [("search", "Patient", "Patient", "0")]
    refused(doctor, "UPDATE patient_history SET version = 8", "42501")
    assert log.brief() == [("update", "Patient", "4")]
