-- A Binary is granted by an entry for its type and, where it has a securityContext, only if the resource that this refers
-- to may be read: to find it, to write it, and to refer to that resource. Whatever does not lead to a readable resource
-- denies.
\ir prologue.sql

CREATE TABLE patient (id text PRIMARY KEY, resource jsonb NOT NULL);
CREATE TABLE "binary" (id text PRIMARY KEY, resource jsonb NOT NULL, size int GENERATED ALWAYS AS (length(resource ->> 'data')) STORED);
CREATE TABLE encounter (id uuid PRIMARY KEY, resource jsonb NOT NULL);
CREATE TABLE location (id int PRIMARY KEY, resource jsonb NOT NULL);
INSERT INTO patient VALUES
    ('ann', '{"resourceType": "Patient", "id": "ann", "gender": "female", "birthDate": "1980-01-01"}'),
    ('bob', '{"resourceType": "Patient", "id": "bob", "gender": "male"}');
INSERT INTO encounter VALUES ('00000000-0000-0000-0000-00000000000a', '{"resourceType": "Encounter", "status": "planned"}');
INSERT INTO location VALUES (7, '{"resourceType": "Location", "id": "7"}');
SELECT fhir_access.protect('patient', 'Patient'), fhir_access.protect('binary', 'Binary'),
       fhir_access.protect('encounter', 'Encounter'), fhir_access.protect('location', 'Location');
CREATE FUNCTION context(id text, context jsonb) RETURNS void LANGUAGE sql AS
    $$ INSERT INTO "binary" VALUES (id, jsonb_build_object('resourceType', 'Binary', 'id', id, 'data', 'AAAA', 'securityContext', context)) $$;
INSERT INTO "binary" VALUES ('none', '{"resourceType": "Binary", "id": "none", "data": "AAAA"}');
SELECT context('ann', '{"reference": "Patient/ann"}'), context('bob', '{"reference": "Patient/bob"}'),
       context('version', '{"reference": "Patient/ann/_history/3", "display": "as of"}'),
       context('uuid', '{"reference": "Encounter/00000000-0000-0000-0000-00000000000a"}'), context('number', '{"reference": "Location/7"}'),
       context('x-absent', '{"reference": "Patient/nobody"}'), context('x-url', '{"reference": "http://fhir.example/Patient/ann"}'),
       context('x-urn', '{"reference": "urn:uuid:00000000-0000-0000-0000-00000000000a"}'), context('x-contained', '{"reference": "#ann"}'),
       context('x-logical', '{"identifier": {"value": "ann"}}'), context('x-empty', '{}'), context('x-null', 'null'), context('x-text', '"Patient/ann"'),
       context('x-list', '[{"reference": "Patient/ann"}]'), context('x-type', '{"reference": "Pateint/ann"}'), context('x-deep', '{"reference": "Patient/ann/x"}'),
       context('x-no-version', '{"reference": "Patient/ann/_history/"}'), context('x-space', '{"reference": " Patient/ann"}'),
       context('x-quote', $${"reference": "Patient/ann' OR true --"}$$), context('x-number', '{"reference": "Location/07"}'),
       context('x-no-uuid', '{"reference": "Encounter/a"}'), context('x-no-table', '{"reference": "Device/d"}'),
       context('x-self', '{"reference": "Binary/x-self"}'), context('x-binary', '{"reference": "Binary/none"}'), context('x-ring', '{"reference": "Binary/x-gnir"}'),
       context('x-gnir', '{"reference": "Binary/x-ring"}') \g /dev/null

INSERT INTO fhir_access.access_policy (resource) VALUES
('{"resourceType": "AccessPolicy", "id": "women", "resource": [{"resourceType": "Patient", "criteria": "Patient?gender=female", "hiddenFields": ["birthDate"]},
   {"resourceType": "Encounter"}, {"resourceType": "Location", "interaction": ["read"]}, {"resourceType": "Binary"}]}'),
('{"resourceType": "AccessPolicy", "id": "all", "resource": [{"resourceType": "*"}]}'),
('{"resourceType": "AccessPolicy", "id": "search", "resource": [{"resourceType": "Patient", "interaction": ["search"]}, {"resourceType": "Binary"}]}'),
('{"resourceType": "AccessPolicy", "id": "patients", "resource": [{"resourceType": "Patient"}]}'),
('{"resourceType": "AccessPolicy", "id": "binaries", "resource": [{"resourceType": "Binary"}]}');
INSERT INTO fhir_access.project_membership (resource)
    SELECT jsonb_build_object('resourceType', 'ProjectMembership', 'id', id, 'accessPolicy', jsonb_build_object('reference', 'AccessPolicy/' || id))
      FROM fhir_access.access_policy;

-- What each membership finds. Searching the patient is not enough: it must be readable. Reading the patient without an entry
-- for Binary is not enough either.
\c - app
CREATE FUNCTION pg_temp.found(membership text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM fhir_access.set_session(membership, NULL, false);
    RETURN (SELECT string_agg(id, ' ' ORDER BY id) FROM "binary");
END $$;
SELECT m, pg_temp.found(m) FROM unnest('{women,all,search,patients,binaries}'::text[]) AS m;

-- read(), check() and explain() say the same.
SET fhir_access.membership = 'women';
SELECT id, fhir_access.read('Binary', id) ->> 'id' AS read FROM unnest('{none,ann,bob,version,x-self}'::text[]) AS id;
SELECT id, allowed, reason FROM unnest('{none,ann,bob,x-self}'::text[]) AS id, fhir_access.check('Binary/' || id, 'search');
SELECT place, policy, predicate FROM fhir_access.explain('Binary');
EXPLAIN (COSTS OFF) SELECT id FROM "binary" WHERE id = 'ann';

-- Creating takes the right to read what it is attached to.
INSERT INTO "binary" VALUES ('c1', '{"resourceType": "Binary", "id": "c1", "securityContext": {"reference": "Patient/ann"}}') RETURNING id;
INSERT INTO "binary" VALUES ('c2', '{"resourceType": "Binary", "id": "c2"}') RETURNING id;
INSERT INTO "binary" VALUES ('c3', '{"resourceType": "Binary", "id": "c3", "securityContext": {"reference": "Patient/bob"}}');
INSERT INTO "binary" VALUES ('c3', '{"resourceType": "Binary", "id": "c3", "securityContext": {"reference": "Patient/nobody"}}');
INSERT INTO "binary" VALUES ('c3', '{"resourceType": "Binary", "id": "c3", "securityContext": {"reference": "Binary/c2"}}');
INSERT INTO "binary" VALUES ('c2', '{"resourceType": "Binary", "id": "c2"}'), ('c4', '{"resourceType": "Binary", "id": "c4"}')
    ON CONFLICT (id) DO UPDATE SET resource = excluded.resource || '{"data": "BBBB"}' RETURNING id, resource;
INSERT INTO "binary" VALUES ('bob', '{"resourceType": "Binary", "id": "bob"}') ON CONFLICT (id) DO UPDATE SET resource = excluded.resource;
COPY "binary" (id, resource) FROM STDIN;
c5	{"resourceType": "Binary", "id": "c5", "securityContext": {"reference": "Patient/ann"}}
c6	{"resourceType": "Binary", "id": "c6", "securityContext": {"reference": "Patient/bob"}}
\.
COPY "binary" (id, resource) FROM STDIN;
c5	{"resourceType": "Binary", "id": "c5", "securityContext": {"reference": "Patient/ann"}}
\.
COPY (SELECT id FROM "binary" WHERE id LIKE 'c%' ORDER BY id) TO STDOUT;

-- An update takes it for the row as it was and as it becomes; a delete for the row as it was.
UPDATE "binary" SET resource = resource || '{"data": "CCCC"}' WHERE id IN ('c1', 'bob') RETURNING id;
UPDATE "binary" SET resource = resource || '{"securityContext": {"reference": "Patient/bob"}}' WHERE id = 'c1';
UPDATE "binary" SET resource = resource || '{"securityContext": {"reference": "Location/7"}}' WHERE id = 'c1' RETURNING resource -> 'securityContext' AS context;
DELETE FROM "binary" WHERE id IN ('c1', 'bob', 'x-self') RETURNING id;
MERGE INTO "binary" b USING (VALUES ('c2'), ('c7')) AS v(id) ON b.id = v.id
    WHEN MATCHED THEN UPDATE SET resource = b.resource || '{"securityContext": {"reference": "Patient/ann"}}'
    WHEN NOT MATCHED THEN INSERT (id, resource) VALUES (v.id, jsonb_build_object('resourceType', 'Binary', 'id', v.id, 'securityContext', '{"reference": "Patient/ann"}'::jsonb));
SELECT id, resource -> 'securityContext' AS context FROM "binary" WHERE id IN ('c2', 'c7') ORDER BY id;

-- It follows the resource: what becomes unreadable takes its Binaries along, at the next statement of the same transaction, too.
\c - app
BEGIN;
SET LOCAL fhir_access.membership = 'all';
UPDATE patient SET resource = resource || '{"gender": "male"}' WHERE id = 'ann';
SET LOCAL fhir_access.membership = 'women';
SELECT string_agg(id, ' ' ORDER BY id) FROM "binary";
INSERT INTO "binary" VALUES ('d1', '{"resourceType": "Binary", "id": "d1", "securityContext": {"reference": "Patient/ann"}}');
ROLLBACK;
-- A resource that the same statement brings is not there yet.
SET fhir_access.membership = 'all';
WITH new AS (INSERT INTO patient VALUES ('cat', '{"resourceType": "Patient", "id": "cat"}') RETURNING id)
INSERT INTO "binary" SELECT 'd1', jsonb_build_object('resourceType', 'Binary', 'id', 'd1', 'securityContext', jsonb_build_object('reference', 'Patient/' || id)) FROM new;

-- The function tells a caller what its membership may read, as read() and check() do, and nothing without one. It takes no
-- privilege of PostgreSQL's on the other table.
\c - clinician
SELECT fhir_access.security_context_readable('{"securityContext": {"reference": "Patient/ann"}}');
\c - app
SET fhir_access.membership = 'women';
SELECT reference, fhir_access.security_context_readable(jsonb_build_object('securityContext', jsonb_build_object('reference', reference)))
  FROM unnest('{Patient/ann,Patient/bob,Patient/nobody,AccessPolicy/women,ProjectMembership/women}'::text[]) AS reference;
SELECT fhir_access.security_context_readable('{}') AS "none", fhir_access.security_context_readable('[]') AS "no resource", fhir_access.security_context_readable(NULL) AS "null";
SELECT proname, provolatile, proparallel, proleakproof FROM pg_proc WHERE proname = 'security_context_readable';
\c - postgres
REVOKE ALL ON patient FROM app;
\c - app
SET fhir_access.membership = 'women';
SELECT id FROM "binary" WHERE id IN ('ann', 'bob');

-- IP rules, projects and inactive memberships hold for it because they hold for the session. The Binary itself is of a
-- project, too.
\c - postgres
INSERT INTO fhir_access.project (resource) VALUES ('{"resourceType": "Project", "id": "p"}');
UPDATE patient SET resource = resource || '{"meta": {"project": "p"}}' WHERE id = 'ann';
UPDATE "binary" SET resource = resource || '{"meta": {"project": "p"}}' WHERE id IN ('ann', 'bob', 'x-self');
INSERT INTO fhir_access.project_membership (resource) VALUES
('{"resourceType": "ProjectMembership", "id": "of-p", "project": {"reference": "Project/p"}, "accessPolicy": {"reference": "AccessPolicy/all"}}');
\c - app
SET fhir_access.membership = 'of-p';
SELECT id FROM "binary" ORDER BY id;
INSERT INTO "binary" VALUES ('e1', '{"resourceType": "Binary", "id": "e1", "securityContext": {"reference": "Patient/bob"}}');
INSERT INTO "binary" VALUES ('e1', '{"resourceType": "Binary", "id": "e1", "securityContext": {"reference": "Patient/ann"}}') RETURNING resource;

-- Partitions, in parallel plans, under a cursor whose session ended, and for whoever is exempt.
\c - postgres
CREATE TABLE parts (id text, resource jsonb NOT NULL, part int) PARTITION BY LIST (part);
CREATE TABLE part1 PARTITION OF parts FOR VALUES IN (1);
CREATE TABLE part2 PARTITION OF parts FOR VALUES IN (2);
INSERT INTO parts SELECT 'n' || n, jsonb_build_object('resourceType', 'Binary', 'id', 'n' || n, 'securityContext',
                         jsonb_build_object('reference', CASE n % 4 WHEN 0 THEN 'Patient/bob' ELSE 'Patient/ann' END)), 1 + n % 2 FROM generate_series(1, 2000) n;
SELECT fhir_access.protect('parts', 'Binary');
GRANT SELECT, UPDATE ON parts, part1 TO app;
ANALYZE parts;
\c - app
SET fhir_access.membership = 'women';
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET force_parallel_mode = on;
EXPLAIN (COSTS OFF) SELECT count(*) FROM parts;
SELECT count(*) FROM parts;
SELECT count(*) FROM part1;
RESET force_parallel_mode;
UPDATE parts SET part = 2 WHERE id = 'n2' RETURNING tableoid::regclass, id;
BEGIN;
DECLARE open CURSOR FOR SELECT id FROM parts;
FETCH 1 FROM open;
SET LOCAL fhir_access.membership = 'all';
FETCH 1 FROM open;
ROLLBACK;
\c - postgres
SELECT count(*) FROM parts;
SELECT count(*) > 20 AS all FROM "binary";
