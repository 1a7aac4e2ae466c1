-- A plan and a cursor belong to the membership they were made under. What can be planned again is, silently; what is open
-- already, and can no longer be, is refused (28000). No row of one membership is ever handed to another.
\ir prologue.sql

CREATE TABLE patient (id text PRIMARY KEY, resource jsonb NOT NULL);
INSERT INTO patient
SELECT id, jsonb_build_object('resourceType', 'Patient', 'id', id, 'address', jsonb_build_array(jsonb_build_object('state', upper(left(id, 2)))))
  FROM unnest(ARRAY['ca1', 'ca2', 'ca3', 'ny1', 'ny2', 'ny3']) id;
SELECT fhir_access.protect('patient', 'Patient');
INSERT INTO fhir_access.access_policy (resource) VALUES ('{
  "resourceType": "AccessPolicy", "id": "state",
  "resource": [{"resourceType": "Patient", "criteria": "Patient?address-state=%state"}],
  "ipAccessRule": [{"value": "10.0.0.0/8", "action": "allow"}, {"value": "*", "action": "block"}]}');
INSERT INTO fhir_access.project_membership (resource)
SELECT format('{"resourceType": "ProjectMembership", "id": "%s", "access": [{"policy": {"reference": "AccessPolicy/state"},
               "parameter": [{"name": "state", "valueString": "%s"}]}]}', state, state)::jsonb
  FROM unnest(ARRAY['CA', 'NY']) state;

-- What runs the same statement again and again.
CREATE FUNCTION count_them() RETURNS bigint LANGUAGE plpgsql STABLE AS 'BEGIN RETURN (SELECT count(*) FROM patient WHERE id < ''ny3''); END';
CREATE FUNCTION list_them() RETURNS SETOF text LANGUAGE sql STABLE AS 'SELECT id FROM patient ORDER BY id';

\c - app
SET fhir_access.client_ip = '10.1.2.3';

-- Prepared statements, with plans for their parameters and generic ones, and functions follow the membership.
PREPARE ids AS SELECT string_agg(id, ' ' ORDER BY id) AS ids FROM patient;
PREPARE one (text) AS SELECT id FROM patient WHERE id = $1;
SET plan_cache_mode = force_generic_plan;
SET fhir_access.membership = 'CA';
EXECUTE ids;
EXECUTE one ('ca1');
SELECT count_them(), string_agg(id, ' ') AS list FROM list_them() id;
SET fhir_access.membership = 'NY';
EXECUTE ids;
EXECUTE one ('ca1');
SELECT count_them(), string_agg(id, ' ') AS list FROM list_them() id;
RESET plan_cache_mode;
EXECUTE ids;
SET fhir_access.membership = 'CA';
EXECUTE ids;

-- So they do when a transaction's own setting ends with it, or with a savepoint.
BEGIN;
SET LOCAL fhir_access.membership = 'NY';
EXECUTE ids;
SAVEPOINT here;
SET LOCAL fhir_access.membership = 'CA';
EXECUTE ids;
ROLLBACK TO here;
EXECUTE ids;
ROLLBACK;
EXECUTE ids;
RESET fhir_access.membership;
EXECUTE ids;

-- And when the address changes, the rules of which are part of the context.
SET fhir_access.membership = 'CA';
SET fhir_access.client_ip = '192.0.2.1';
EXECUTE ids;
SET fhir_access.client_ip = '10.9.9.9';
EXECUTE ids;

-- A cursor that is open.
BEGIN;
DECLARE open CURSOR FOR SELECT id FROM patient ORDER BY id;
FETCH 1 FROM open;
SET LOCAL fhir_access.membership = 'NY';
FETCH 1 FROM open;
ROLLBACK;

-- One that was declared, and first fetched from under another membership.
BEGIN;
DECLARE fresh CURSOR FOR SELECT id FROM patient ORDER BY id;
SET LOCAL fhir_access.membership = 'NY';
FETCH 1 FROM fresh;
ROLLBACK;

-- One that can go back over rows it has already seen.
BEGIN;
DECLARE back SCROLL CURSOR FOR SELECT id FROM patient ORDER BY id;
FETCH LAST FROM back;
SET LOCAL fhir_access.membership = 'NY';
FETCH PRIOR FROM back;
ROLLBACK;

-- The setting may change in between, if it is what it was when rows are fetched.
BEGIN;
DECLARE patient_one CURSOR FOR SELECT id FROM patient ORDER BY id;
FETCH 1 FROM patient_one;
SET LOCAL fhir_access.membership = 'NY';
SET LOCAL fhir_access.membership = 'CA';
FETCH 1 FROM patient_one;
COMMIT;

-- Rows that were stored at commit, fetched by SQL, by plpgsql and by a function that reads cursors.
BEGIN;
DECLARE held CURSOR WITH HOLD FOR SELECT id FROM patient ORDER BY id;
COMMIT;
FETCH 1 FROM held;
SET fhir_access.membership = 'NY';
FETCH 1 FROM held;
MOVE 1 FROM held;
DO $$
DECLARE
    held refcursor := 'held';
    id text;
BEGIN
    FETCH held INTO id;
    RAISE NOTICE 'fetched %', id;
END $$;
SELECT cursor_to_xml('held', 1, true, false, '');
SET fhir_access.membership = 'CA';
FETCH 1 FROM held;
CLOSE held;

-- Rows that a statement has already returned into a cursor.
BEGIN;
DO $$
DECLARE
    returned refcursor := 'returned';
BEGIN
    OPEN returned FOR EXECUTE 'UPDATE patient SET resource = resource RETURNING id';
END $$;
FETCH 1 FROM returned;
SET LOCAL fhir_access.membership = 'NY';
SAVEPOINT here;
FETCH 1 FROM returned;
ROLLBACK TO here;
DO $$
DECLARE
    returned refcursor := 'returned';
    id text;
BEGIN
    FETCH returned INTO id;
    RAISE NOTICE 'fetched %', id;
END $$;
ROLLBACK;

-- A cursor that was used in a part of the transaction that is rolled back, with a switch in between.
BEGIN;
DECLARE held CURSOR WITH HOLD FOR SELECT id FROM patient, generate_series(1, 1000) ORDER BY id;
SAVEPOINT here;
FETCH 1 FROM held;
SET LOCAL fhir_access.membership = 'NY';
SELECT count(*) FROM patient;
ROLLBACK TO here;
FETCH 1 FROM held;
COMMIT;
FETCH 1 FROM held;
CLOSE held;
FETCH 1 FROM held;
BEGIN;
DECLARE held CURSOR FOR SELECT generate_series(1, 3) AS n;
SET LOCAL fhir_access.membership = 'NY';
FETCH 1 FROM held;
COMMIT;

-- A transaction that ends under another membership than its cursor WITH HOLD was declared under cannot store the rows, and
-- so cannot commit.
CREATE TEMP TABLE done (what text);
BEGIN;
INSERT INTO done VALUES ('committed');
DECLARE late CURSOR WITH HOLD FOR SELECT id FROM patient ORDER BY id;
SET LOCAL fhir_access.membership = 'NY';
COMMIT;
SELECT what FROM done;
FETCH 1 FROM late;

-- A loop over many rows notices a switch at the next bunch of rows.
DO $$
DECLARE
    one record;
BEGIN
    FOR one IN SELECT id FROM patient, generate_series(1, 100) LOOP
        PERFORM set_config('fhir_access.membership', 'NY', true);
    END LOOP;
END $$;

-- A switch while a statement is being planned, by a function that lies about itself, does not mix two memberships.
CREATE FUNCTION pg_temp.switch() RETURNS integer LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    PERFORM set_config('fhir_access.membership', 'NY', true);
    RETURN 1;
END $$;
SELECT id FROM patient WHERE pg_temp.switch() = 1;
SELECT id FROM patient, generate_series(1, pg_temp.switch());
SHOW fhir_access.membership;

-- A cursor whose statement names nothing protected: a function in it has read the rows, and a scan has them stored.
CREATE FUNCTION pg_temp.stored() RETURNS SETOF text LANGUAGE plpgsql STABLE AS 'BEGIN RETURN QUERY SELECT id FROM patient ORDER BY id; END';
SET fhir_access.membership = 'CA';
BEGIN;
DECLARE stored CURSOR FOR SELECT * FROM pg_temp.stored();
FETCH 1 FROM stored;
SAVEPOINT here;
SET LOCAL fhir_access.membership = 'NY';
FETCH 1 FROM stored;
ROLLBACK TO here;
SELECT count(*) FROM pg_cursors;
ROLLBACK;
BEGIN;
DECLARE sorted CURSOR FOR SELECT n, count_them() FROM generate_series(1, 3) n ORDER BY 2, 1;
FETCH 1 FROM sorted;
SET LOCAL fhir_access.membership = 'NY';
FETCH 1 FROM sorted;
ROLLBACK;
-- A function that switches and asks again within one statement goes on working.
CREATE FUNCTION pg_temp.both() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    found text;
BEGIN
    PERFORM set_config('fhir_access.membership', 'CA', true);
    SELECT string_agg(id, ' ' ORDER BY id) INTO found FROM patient;
    PERFORM set_config('fhir_access.membership', 'NY', true);
    RETURN found || ', ' || (SELECT string_agg(id, ' ' ORDER BY id) FROM patient);
END $$;
SELECT pg_temp.both();

-- A portal that was switched off and is closed keeps what its transaction has locked.
\c - postgres
CREATE TABLE audit (what text);
GRANT INSERT ON audit TO app;
CREATE FUNCTION audit() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO audit VALUES (TG_OP); RETURN NEW; END';
CREATE TRIGGER audit BEFORE UPDATE ON patient FOR EACH ROW EXECUTE FUNCTION audit();
\c - app
SET fhir_access.client_ip = '10.1.2.3';
SET fhir_access.membership = 'CA';
BEGIN;
DO $$
DECLARE
    c refcursor := 'returned';
    id text;
BEGIN
    OPEN c FOR EXECUTE 'UPDATE patient SET resource = resource RETURNING id';
    FETCH c INTO id;
END $$;
SET LOCAL fhir_access.membership = 'NY';
SELECT 1 AS one;
CLOSE returned;
SELECT mode FROM pg_locks WHERE relation = 'audit'::regclass AND pid = pg_backend_pid();
ROLLBACK;
\c - postgres
DROP TRIGGER audit ON patient;
\c - app
SET fhir_access.client_ip = '10.1.2.3';
SET fhir_access.membership = 'CA';
PREPARE ids AS SELECT string_agg(id, ' ' ORDER BY id) AS ids FROM patient;

-- The same for a change of the policies in another session, while a cursor is open and while plans are kept.
BEGIN;
DECLARE open CURSOR FOR SELECT id FROM patient ORDER BY id;
FETCH 1 FROM open;
\! psql -X -q -U postgres -c "UPDATE fhir_access.access_policy SET resource = jsonb_set(resource, '{resource,0,criteria}', '\"Patient?address-state=%state&_id=ca2,ny2\"')"
FETCH 1 FROM open;
ROLLBACK;
EXECUTE ids;
SELECT count_them();
\! psql -X -q -U postgres -c "UPDATE fhir_access.project_membership SET resource = resource || '{\"active\": false}' WHERE id = 'CA'"
EXECUTE ids;
SELECT count_them();

-- Another session protects a table and changes a policy in one transaction: both are heard.
SET fhir_access.membership = 'NY';
SELECT string_agg(id, ' ' ORDER BY id) AS ids FROM patient;
\! psql -X -q -U postgres -c "CREATE TABLE device (id text, resource jsonb)"
\! psql -X -q -U postgres -c "BEGIN" -c "SELECT fhir_access.protect('device', 'Device')" -c "UPDATE fhir_access.access_policy SET resource = jsonb_set(resource, '{resource,0,criteria}', '\"Patient?address-state=%state&_id=ny3\"')" -c "COMMIT" > /dev/null
SELECT string_agg(id, ' ' ORDER BY id) AS ids FROM patient;

-- A change of one's own holds from the next command on, and goes with a rollback.
\c - postgres
SET fhir_access.client_ip = '10.1.2.3';
SET fhir_access.membership = 'NY';
CREATE FUNCTION as_steward() RETURNS text LANGUAGE sql SECURITY DEFINER AS $$ SELECT string_agg(id, ' ' ORDER BY id) FROM patient $$;
GRANT SELECT ON patient TO steward;
ALTER FUNCTION as_steward() OWNER TO steward;
SELECT as_steward();
BEGIN;
UPDATE fhir_access.access_policy SET resource = jsonb_set(resource, '{resource,0,criteria}', '"Patient?address-state=CA"');
SELECT as_steward();
SAVEPOINT here;
DELETE FROM fhir_access.project_membership WHERE id = 'NY';
SELECT as_steward();
ROLLBACK TO here;
SELECT as_steward();
ROLLBACK;
SELECT as_steward();
