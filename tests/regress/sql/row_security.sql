-- Which rows a statement reaches: every command, every way to name the table, for everybody who is subject to policies.
-- A row that may not be seen contains CANARY.
\ir prologue.sql

CREATE TABLE patient (id text PRIMARY KEY, resource jsonb NOT NULL);
CREATE TABLE observation (
    id text PRIMARY KEY,
    patient_id text REFERENCES patient,
    resource jsonb NOT NULL,
    note text CONSTRAINT short CHECK (length(note) < 20)
);
CREATE INDEX observation_resource ON observation USING gin (resource jsonb_path_ops);
INSERT INTO patient
SELECT id, jsonb_build_object('resourceType', 'Patient', 'id', id, 'gender', 'female') FROM unnest(ARRAY['ann', 'bob', 'cy']) id;
INSERT INTO observation
SELECT patient || n, patient,
       jsonb_build_object('resourceType', 'Observation', 'id', patient || n, 'status', CASE n WHEN 1 THEN 'final' ELSE 'preliminary' END,
           'subject', jsonb_build_object('reference', 'Patient/' || patient), 'valueString', CASE WHEN patient <> 'ann' THEN 'CANARY' END),
       CASE WHEN patient <> 'ann' THEN 'CANARY' END
  FROM unnest(ARRAY['ann', 'bob', 'cy']) patient, generate_series(1, 2) n;
CREATE TABLE log (message text);
SELECT fhir_access.protect('patient', 'Patient');
SELECT fhir_access.protect('observation', 'Observation');

-- Ann sees and changes her own, and deletes what is not final.
INSERT INTO fhir_access.access_policy (resource) VALUES ('{
  "resourceType": "AccessPolicy", "id": "self",
  "resource": [
    {"resourceType": "Patient", "criteria": "Patient?_id=%patient.id", "readonly": true},
    {"resourceType": "Observation", "criteria": "Observation?_compartment=%patient&status=preliminary"},
    {"resourceType": "Observation", "criteria": "Observation?_compartment=%patient", "interaction": ["search", "read", "create", "update"]}
  ]}');
INSERT INTO fhir_access.project_membership (resource)
SELECT format('{"resourceType": "ProjectMembership", "id": "%s", "profile": {"reference": "Patient/%s"}, "accessPolicy": {"reference": "AccessPolicy/self"}}', id, id)::jsonb
  FROM unnest(ARRAY['ann', 'bob', 'nobody']) id;
ANALYZE;

\c - app
SET fhir_access.membership = 'ann';

-- Reading.
SELECT id FROM patient;
SELECT id, note FROM observation ORDER BY id;
SELECT count(*), count(note) FROM observation;
SELECT p.id, o.id FROM patient p FULL JOIN observation o ON o.patient_id = p.id ORDER BY 2;
SELECT p.id, (SELECT count(*) FROM observation) AS seen FROM patient p WHERE EXISTS (SELECT FROM observation o WHERE o.patient_id = p.id);
WITH o AS MATERIALIZED (SELECT * FROM observation) SELECT id FROM o ORDER BY id;
COPY observation (id, patient_id) TO STDOUT;
SELECT id FROM observation WHERE id = 'bob1';
SELECT id FROM observation WHERE resource @> '{"valueString": "CANARY"}';

-- A function of the user's is never called with a row that the user may not see.
CREATE FUNCTION pg_temp.spy(value anyelement) RETURNS boolean LANGUAGE plpgsql COST 0.0001 AS $$
BEGIN
    RAISE NOTICE 'called with %', value;
    RETURN true;
END $$;
SELECT id FROM observation WHERE pg_temp.spy(id) ORDER BY id;
SELECT id FROM observation WHERE (id || 'x')::text::name > 'z' OR length(note)::text::integer / (CASE id WHEN 'bob1' THEN 0 ELSE 1 END) > 0;

-- UPDATE and DELETE with and without WHERE: rows that cannot be read are not found. Rows that can be read and not be
-- changed are refused, never skipped.
UPDATE observation SET note = 'seen';
UPDATE observation SET note = 'read' WHERE pg_temp.spy(id) AND id LIKE '%1' RETURNING id, note;
UPDATE observation o SET note = 'joined' FROM observation other, patient p WHERE other.id <> o.id AND p.id = other.patient_id RETURNING o.id, other.id, p.id;
UPDATE patient SET resource = resource || '{"active": true}';
UPDATE observation SET patient_id = 'bob', resource = jsonb_set(resource, '{subject,reference}', '"Patient/bob"') WHERE id = 'ann1';
BEGIN;
DELETE FROM observation;
ROLLBACK;
BEGIN;
DELETE FROM observation o USING patient p WHERE o.patient_id = p.id AND o.id = 'ann2' RETURNING o.id, p.id;
DELETE FROM observation WHERE id LIKE 'bob%';
ROLLBACK;
DELETE FROM patient;

-- INSERT.
INSERT INTO observation VALUES ('ann3', 'ann', '{"resourceType": "Observation", "id": "ann3", "status": "final", "subject": {"reference": "Patient/ann"}}') RETURNING id, resource;
INSERT INTO observation VALUES ('bob3', 'bob', '{"resourceType": "Observation", "id": "bob3", "status": "final", "subject": {"reference": "Patient/bob"}}');
INSERT INTO patient VALUES ('dan', '{"resourceType": "Patient", "id": "dan"}');
INSERT INTO log SELECT id FROM observation;
SELECT message FROM log ORDER BY 1;

-- Upserts: the row that is there already must be one that can be read and changed. Nothing looks at it before.
INSERT INTO observation VALUES ('ann3', 'ann', '{"resourceType": "Observation", "id": "ann3", "status": "amended", "subject": {"reference": "Patient/ann"}}')
    ON CONFLICT (id) DO NOTHING RETURNING id;
INSERT INTO observation VALUES ('ann3', 'ann', '{"resourceType": "Observation", "id": "ann3", "status": "amended", "subject": {"reference": "Patient/ann"}}')
    ON CONFLICT (id) DO UPDATE SET resource = excluded.resource, note = observation.resource ->> 'status' RETURNING id, note, resource ->> 'status' AS status;
INSERT INTO observation VALUES ('bob1', 'ann', '{"resourceType": "Observation", "id": "bob1", "status": "final", "subject": {"reference": "Patient/ann"}}')
    ON CONFLICT (id) DO UPDATE SET resource = excluded.resource;
INSERT INTO observation VALUES ('bob1', 'ann', '{"resourceType": "Observation", "id": "bob1", "status": "final", "subject": {"reference": "Patient/ann"}}')
    ON CONFLICT (id) DO UPDATE SET note = 'mine' WHERE pg_temp.spy(observation.note) AND pg_temp.spy(observation.resource) AND pg_temp.spy(observation) RETURNING *;

-- MERGE.
MERGE INTO observation o USING (VALUES ('ann2'), ('bob2')) v(id) ON o.id = v.id
    WHEN MATCHED AND pg_temp.spy(o.id) THEN UPDATE SET note = 'merged';
MERGE INTO observation o USING (VALUES ('ann1')) v(id) ON o.id = v.id WHEN MATCHED THEN DELETE;
SELECT id, note FROM observation ORDER BY id;

-- Statements that only an exempt role may give.
\c - postgres
GRANT TRUNCATE ON observation TO app;
\c - app
SET fhir_access.membership = 'ann';
TRUNCATE observation;
SET row_security = off;
SELECT id FROM observation;
COPY observation TO STDOUT;
RESET row_security;

-- What a constraint says of a row does not show the row; it still says which constraint it was.
UPDATE observation SET note = repeat('x', 20) WHERE id = 'ann1';
INSERT INTO observation (id, resource) VALUES ('bob1', '{"resourceType": "Observation", "id": "bob1", "subject": {"reference": "Patient/ann"}}');
DO $$
DECLARE
    name text;
    relation text;
    detail text;
    state text;
BEGIN
    UPDATE observation SET note = repeat('x', 20) WHERE id = 'ann1';
EXCEPTION WHEN check_violation THEN
    GET STACKED DIAGNOSTICS name = CONSTRAINT_NAME, relation = TABLE_NAME, detail = PG_EXCEPTION_DETAIL, state = RETURNED_SQLSTATE;
    RAISE NOTICE 'state %, constraint %, table %, detail "%"', state, name, relation, detail;
END $$;
SELECT (id || note)::integer FROM observation WHERE id = 'ann1';

-- Policies of the table's owner: a permissive one opens nothing, a restrictive one still closes.
\c - postgres
CREATE POLICY everybody ON observation USING (true) WITH CHECK (true);
CREATE POLICY not_the_first ON observation AS RESTRICTIVE USING (id <> 'ann1');
\c - app
SET fhir_access.membership = 'ann';
SELECT id FROM observation ORDER BY id;
UPDATE observation SET note = 'restricted' RETURNING id;
SET fhir_access.membership = 'nobody';
SELECT id FROM observation;
\c - postgres
DROP POLICY everybody ON observation;
DROP POLICY not_the_first ON observation;

-- The owner is subject to the policies; a role with BYPASSRLS and a superuser are not, and need no membership.
ALTER TABLE observation OWNER TO steward;
SET fhir_access.membership = 'bob';
SET ROLE steward;
SELECT id FROM observation ORDER BY id;
DELETE FROM observation WHERE id = 'bob1';
RESET ROLE;
\c - loader
SELECT count(*) FROM observation;
UPDATE observation SET note = 'loaded' WHERE id = 'bob1' RETURNING id, resource;
\c - postgres
SELECT count(*) FROM observation;

-- A view of a superuser, for which PostgreSQL itself would switch row security off, is enforced; so is writing by it.
CREATE VIEW everything AS SELECT * FROM observation;
CREATE VIEW not_final WITH (security_barrier) AS SELECT * FROM everything WHERE resource ->> 'status' <> 'final';
\c - app
SET fhir_access.membership = 'ann';
SELECT id FROM everything ORDER BY id;
CREATE FUNCTION pg_temp.spy(value anyelement) RETURNS boolean LANGUAGE plpgsql COST 0.0001 AS $$
BEGIN
    RAISE NOTICE 'called with %', value;
    RETURN true;
END $$;
SELECT id FROM not_final WHERE pg_temp.spy(id) ORDER BY id;
UPDATE everything SET note = 'by view' WHERE pg_temp.spy(id) RETURNING id;
UPDATE everything SET resource = jsonb_set(resource, '{subject,reference}', '"Patient/bob"') WHERE id = 'ann1';
DELETE FROM everything WHERE id = 'ann1';
DELETE FROM not_final WHERE id = 'bob2';
INSERT INTO everything VALUES ('bob4', 'bob', '{"resourceType": "Observation", "id": "bob4", "subject": {"reference": "Patient/bob"}}');
INSERT INTO everything VALUES ('bob1', 'ann', '{"resourceType": "Observation", "id": "bob1", "status": "final", "subject": {"reference": "Patient/ann"}}')
    ON CONFLICT (id) DO UPDATE SET note = 'mine' WHERE pg_temp.spy(everything.note) RETURNING *;

-- Nobody, somebody unknown, and a membership that nothing is granted to.
RESET fhir_access.membership;
SELECT id FROM observation;
\echo :LAST_ERROR_SQLSTATE
SET fhir_access.membership = 'unknown';
DELETE FROM observation;
\echo :LAST_ERROR_SQLSTATE

-- Plans: what a WHERE written by hand would give, index and all, and no trace of the marker policy or the fence.
SET fhir_access.membership = 'ann';
SET enable_seqscan = off;
EXPLAIN (COSTS OFF) SELECT id FROM patient;
EXPLAIN (COSTS OFF) SELECT id FROM patient WHERE id = 'bob';
EXPLAIN (COSTS OFF) UPDATE patient SET resource = resource;
EXPLAIN (COSTS OFF) SELECT id FROM observation;
EXPLAIN (COSTS OFF) SELECT o.id FROM observation o JOIN patient p ON p.id = o.patient_id WHERE p.id = 'ann';
