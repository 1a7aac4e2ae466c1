-- What a Binary is attached to is looked up row by row: that locks other tables, and fails where a function has switched the session. So a
-- condition of a statement does not come before: else both would tell whether it has found a hidden row. Nor in histories.
\ir prologue.sql
CREATE TABLE patient (id text PRIMARY KEY, resource jsonb NOT NULL);
INSERT INTO patient VALUES
    ('ann', '{"resourceType": "Patient", "id": "ann", "gender": "female"}'), ('bob', '{"resourceType": "Patient", "id": "bob", "gender": "male"}');
CREATE TABLE "binary" (id text PRIMARY KEY, resource jsonb NOT NULL);
INSERT INTO "binary" SELECT id, jsonb_build_object('resourceType', 'Binary', 'id', id, 'contentType', kind, 'securityContext', jsonb_build_object('reference', patient))
  FROM (VALUES ('b1', 'image/png', 'Patient/ann'), ('b2', 'image/png', 'Patient/ann'), ('b3', 'image/gif', 'Patient/ann'), ('b4', 'image/gif', 'Patient/ann'),
               ('hidden1', 'image/gif', 'Patient/bob'), ('hidden2', 'text/plain', 'Patient/bob')) b (id, kind, patient);
CREATE TABLE binary_history (id text NOT NULL, resource jsonb NOT NULL);
INSERT INTO binary_history SELECT * FROM "binary";
CREATE INDEX by_path ON "binary" USING gin (resource jsonb_path_ops);
CREATE INDEX by_kind ON "binary" ((resource ->> 'contentType'));
CREATE INDEX by_key ON "binary" USING gin (fhir_access.tokens(resource, 'contentType:text') fhir_access.prefix_ops);
CREATE INDEX history_by_kind ON binary_history ((resource ->> 'contentType'));
SELECT fhir_access.protect('patient', 'Patient'), fhir_access.protect('binary', 'Binary'), fhir_access.protect('binary_history', 'Binary', history_of => 'binary') \g /dev/null
INSERT INTO fhir_access.access_policy (resource) VALUES
('{"resourceType": "AccessPolicy", "id": "women", "resource": [{"resourceType": "Patient", "criteria": "Patient?gender:not=male"}, {"resourceType": "Binary"}]}'),
('{"resourceType": "AccessPolicy", "id": "patients", "resource": [{"resourceType": "Patient"}]}');
INSERT INTO fhir_access.project_membership (resource) VALUES
    ('{"resourceType": "ProjectMembership", "id": "women", "accessPolicy": {"reference": "AccessPolicy/women"}}'),
    ('{"resourceType": "ProjectMembership", "id": "patients", "accessPolicy": {"reference": "AccessPolicy/patients"}}');
ANALYZE;

\c - app
SET fhir_access.membership = 'women';
SET enable_seqscan = off;
EXPLAIN (COSTS OFF) SELECT id FROM "binary" WHERE resource @> '{"contentType": "text/plain"}';
EXPLAIN (COSTS OFF) SELECT id FROM binary_history WHERE resource ->> 'contentType' = 'text/plain';
-- Of "text/plain" there is a hidden row, of "text/html" there is none.
CREATE FUNCTION pg_temp.locks(asked text, condition text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    found bigint;
BEGIN
    EXECUTE format('SELECT count(*) FROM %I WHERE %s', asked, condition) INTO found;
    RETURN found || ' found, ' || (SELECT count(*) FROM pg_locks WHERE pid = pg_backend_pid() AND relation::regclass = 'patient'::regclass) || ' locked';
END $$;
SELECT pg_temp.locks('binary', 'resource @> ''{"contentType": "text/plain"}''');
SELECT pg_temp.locks('binary', 'resource @> ''{"contentType": "text/html"}''');
SELECT pg_temp.locks('binary', 'resource ->> ''contentType'' = ''text/plain''');
SELECT pg_temp.locks('binary', 'resource ->> ''contentType'' = ''text/html''');
SELECT pg_temp.locks('binary', 'fhir_access.tokens(resource, ''contentType:text'') OPERATOR(fhir_access.?|) ''{text/plain}''');
SELECT pg_temp.locks('binary', 'fhir_access.tokens(resource, ''contentType:text'') OPERATOR(fhir_access.?|) ''{text/html}''');
SELECT pg_temp.locks('binary_history', 'resource ->> ''contentType'' = ''text/plain''');
SELECT pg_temp.locks('binary_history', 'resource ->> ''contentType'' = ''text/html''');

-- The session is switched at the last granted row: of "image/gif" there is a hidden row behind it, of "image/png" there is none.
CREATE FUNCTION pg_temp.switched(id text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN PERFORM fhir_access.set_session('patients'); RETURN id; END $$;
SELECT id, CASE WHEN id = 'b2' THEN pg_temp.switched(id) END AS switched FROM "binary" WHERE resource ->> 'contentType' = 'image/png' AND id <> 'x';
SET fhir_access.membership = 'women';
SELECT id, CASE WHEN id = 'b4' THEN pg_temp.switched(id) END AS switched FROM "binary" WHERE resource ->> 'contentType' = 'image/gif' AND id <> 'x';
