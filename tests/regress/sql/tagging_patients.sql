-- The accounts of a patient, whom a session has looked up before: it goes to where the patient was and takes what it has unpacked,
-- and whatever has become of either meanwhile, what counts is the patient as it is then.
\ir prologue.sql

CREATE TABLE patient (id text PRIMARY KEY, resource jsonb NOT NULL);
CREATE TABLE observation (id text PRIMARY KEY, resource jsonb NOT NULL);
SELECT fhir_access.protect('patient', 'Patient'), fhir_access.protect('observation', 'Observation');
INSERT INTO fhir_access.access_policy (resource) VALUES
('{"resourceType": "AccessPolicy", "id": "all", "resource": [{"resourceType": "Observation"}]}');
INSERT INTO fhir_access.project_membership (resource) VALUES
('{"resourceType": "ProjectMembership", "id": "m", "accessPolicy": {"reference": "AccessPolicy/all"}}');
-- Patients with these accounts; a number makes the document so long: compressed, or out of line.
CREATE FUNCTION patient(id text, account text, length int DEFAULT 0) RETURNS jsonb AS $$
  SELECT jsonb_build_object('resourceType', 'Patient', 'id', id, 'meta', jsonb_build_object('accounts', jsonb_build_array(jsonb_build_object('reference', account))),
    'name', (SELECT jsonb_agg(jsonb_build_object('text', md5(n::text || account))) FROM generate_series(1, length) AS n))
$$ LANGUAGE sql;
-- Somebody else writes patients, in the same session.
CREATE FUNCTION administer(VARIADIC statements text[]) RETURNS void SECURITY DEFINER LANGUAGE plpgsql AS $$
BEGIN
  FOR place IN 1 .. array_length(statements, 1) LOOP
    EXECUTE statements[place];
  END LOOP;
END $$;
INSERT INTO patient VALUES ('a', patient('a', 'Organization/1')), ('b', patient('b', 'Organization/b')), ('long', patient('long', 'Organization/1', 300));
-- What an update of an observation of this patient makes of its accounts.
CREATE FUNCTION account(id text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  found text;
BEGIN
  UPDATE observation SET resource = jsonb_set(resource, '{subject,reference}', to_jsonb('Patient/' || account.id))
    WHERE observation.id = 'o' RETURNING resource #>> '{meta,accounts,0,reference}' INTO found;
  RETURN found;
END $$;
\c - app
SET fhir_access.membership = 'm';
INSERT INTO observation VALUES ('o', '{"resourceType": "Observation", "id": "o", "subject": {"reference": "Patient/a"}}');
SELECT account('a'), account('b'), account('a'), account('long'), account('long');

-- A new version, at the same place or another; then a rollback to the one before.
SELECT administer($$UPDATE patient SET resource = patient('a', 'Organization/2') WHERE id = 'a'$$);
SELECT account('a');
BEGIN;
SELECT administer($$UPDATE patient SET resource = patient('a', 'Organization/3') WHERE id = 'a'$$);
SELECT account('a');
SAVEPOINT s;
SELECT administer($$UPDATE patient SET resource = patient('a', 'Organization/4') WHERE id = 'a'$$);
SELECT account('a');
ROLLBACK TO s;
SELECT account('a');
ROLLBACK;
SELECT account('a');

-- Long ones, out of line, in one transaction and after it; another column's change leaves what is out of line as it is.
\! psql -X -A -t -c "SELECT pg_relation_size(reltoastrelid) > 0 FROM pg_class WHERE oid = 'patient'::regclass"
BEGIN;
SELECT account('long');
SELECT administer($$UPDATE patient SET resource = patient('long', 'Organization/2', 300) WHERE id = 'long'$$);
SELECT account('long');
SELECT administer($$UPDATE patient SET resource = patient('long', 'Organization/3', 300) WHERE id = 'long'$$);
SELECT account('long');
COMMIT;
SELECT account('long');
SELECT administer($$UPDATE patient SET id = 'longer', resource = jsonb_set(resource, '{id}', '"longer"') WHERE id = 'long'$$);
SELECT account('long'), account('longer');

-- Somebody else at that place: deleted, and the place given to another row.
SELECT administer($$DELETE FROM patient$$);
SELECT account('a'), account('b');
\! psql -X -q -c "VACUUM patient"
SELECT account('a');
SELECT administer($$INSERT INTO patient VALUES ('x', patient('x', 'Organization/x')), ('a', patient('a', 'Organization/5')), ('b', patient('b', 'Organization/6'))$$);
SELECT account('a'), account('b'), account('x');
-- Ids that change places.
SELECT administer($$UPDATE patient SET id = 'c' WHERE id = 'a'$$, $$UPDATE patient SET id = 'a' WHERE id = 'b'$$, $$UPDATE patient SET id = 'b' WHERE id = 'c'$$);
SELECT account('a'), account('b');

-- A table that is emptied, shortened, written anew, or keyed otherwise.
SELECT administer($$TRUNCATE patient$$);
SELECT account('a');
SELECT administer($$INSERT INTO patient VALUES ('b', patient('b', 'Organization/8')), ('a', patient('a', 'Organization/7'))$$);
SELECT account('a'), account('b');
SELECT administer($$CLUSTER patient USING patient_pkey$$);
SELECT account('a'), account('b');
SELECT administer($$ALTER TABLE patient ALTER id TYPE varchar(40)$$);
SELECT account('a'), account('b');
SELECT administer($$ALTER TABLE patient DROP CONSTRAINT patient_pkey$$, $$UPDATE patient SET resource = patient(id, 'Organization/9') WHERE id = 'a'$$);
SELECT account('a'), account('b');
-- Without a key there may be several of one id: the accounts of all.
SELECT administer($$INSERT INTO patient VALUES ('a', patient('a', 'Organization/10'))$$);
UPDATE observation SET resource = jsonb_set(resource, '{subject,reference}', '"Patient/a"') WHERE id = 'o' RETURNING resource #> '{meta,accounts}' AS accounts;
SELECT administer($$DELETE FROM patient WHERE resource @> '{"meta": {"accounts": [{"reference": "Organization/10"}]}}'$$,
                  $$ALTER TABLE patient ADD PRIMARY KEY (id)$$);
SELECT account('a'), account('b');

-- UUIDs, in either case.
SELECT administer($$TRUNCATE patient$$, $$ALTER TABLE patient ALTER id TYPE uuid USING NULL$$,
                  $$INSERT INTO patient VALUES ('0a0b0c0d-0000-4000-8000-00000000000a', patient('0a0b0c0d-0000-4000-8000-00000000000a', 'Organization/u'))$$);
SELECT account('0a0b0c0d-0000-4000-8000-00000000000a'), account('0A0B0C0D-0000-4000-8000-00000000000A'),
       account('0a0b0c0d-0000-4000-8000-00000000000a'), account('0A0B0C0D-0000-4000-8000-00000000000A'), account('a');

-- What a snapshot does not see counts for nothing, and what it does see counts although there is a newer version.
SELECT administer($$TRUNCATE patient$$, $$ALTER TABLE patient ALTER id TYPE text$$, $$INSERT INTO patient VALUES ('a', patient('a', 'Organization/old'))$$);
SELECT account('a');
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT account('a');
\! psql -X -q -c "UPDATE patient SET resource = patient('a', 'Organization/new')"
SELECT account('a');
COMMIT;
SELECT account('a');
