-- One table for all types: each row says of which type it is, in a column, in one that PostgreSQL computes from the document, or in
-- the document alone. What is hidden, and every row that nobody may see, contains CANARY.
\ir prologue.sql

CREATE TABLE by_column (resource_type text, id text NOT NULL, resource jsonb NOT NULL, UNIQUE (resource_type, id));
CREATE TABLE by_computed (id text NOT NULL, resource jsonb NOT NULL,
    resource_type text GENERATED ALWAYS AS (resource ->> 'resourceType') STORED, UNIQUE (resource_type, id));
CREATE TABLE by_document (id text NOT NULL, resource jsonb NOT NULL);
CREATE UNIQUE INDEX ON by_document ((resource ->> 'resourceType'), id);

INSERT INTO by_column SELECT resource ->> 'resourceType', resource ->> 'id', resource FROM jsonb_array_elements('[
    {"resourceType": "Patient", "id": "1", "active": true, "gender": "female", "birthDate": "CANARY", "meta": {"project": "clinic"}},
    {"resourceType": "Patient", "id": "2", "active": false, "name": [{"family": "CANARY"}], "meta": {"project": "clinic"}},
    {"resourceType": "Patient", "id": "3", "active": true, "birthDate": "CANARY", "meta": {"project": "elsewhere"}},
    {"resourceType": "Observation", "id": "1", "status": "final", "valueString": "CANARY", "subject": {"reference": "Patient/1"}, "meta": {"project": "clinic"}},
    {"resourceType": "Observation", "id": "2", "status": "preliminary", "valueString": "CANARY", "subject": {"reference": "Patient/2"}, "meta": {"project": "clinic"}},
    {"resourceType": "Observation", "id": "4", "status": "final", "valueString": "CANARY", "subject": {"reference": "Patient/3"}, "meta": {"project": "elsewhere"}},
    {"resourceType": "Encounter", "id": "1", "status": "planned", "subject": {"reference": "Patient/1"}, "meta": {"project": "clinic"}},
    {"resourceType": "Encounter", "id": "9", "status": "CANARY", "subject": {"reference": "Patient/9"}, "meta": {"project": "elsewhere"}},
    {"resourceType": "Organization", "id": "1", "name": "Clinic", "meta": {"project": "clinic"}},
    {"resourceType": "AccessPolicy", "id": "1", "name": "CANARY", "meta": {"project": "clinic"}},
    {"resourceType": "Binary", "id": "1", "data": "CANARY", "securityContext": {"reference": "Encounter/9"}, "meta": {"project": "clinic"}},
    {"resourceType": "Binary", "id": "2", "data": "AAAA", "securityContext": {"reference": "Patient/2"}, "meta": {"project": "clinic"}},
    {"resourceType": "CANARY", "id": "1", "meta": {"project": "clinic"}},
    {"resourceType": "patient", "id": "CANARY", "active": true, "meta": {"project": "clinic"}},
    {"resourceType": ["Patient"], "id": "CANARY", "active": true, "meta": {"project": "clinic"}},
    {"id": "CANARY", "active": true, "status": "final", "meta": {"project": "clinic"}}
]') AS resource;
INSERT INTO by_computed (id, resource) SELECT id, resource FROM by_column;
INSERT INTO by_document SELECT id, resource FROM by_column;
-- Where the column says one thing and the document another; or nothing.
INSERT INTO by_column VALUES
    ('Patient', 'CANARY 1', '{"resourceType": "Organization", "id": "CANARY 1", "active": true, "meta": {"project": "clinic"}}'),
    ('Organization', 'CANARY 2', '{"resourceType": "Patient", "id": "CANARY 2", "active": true, "meta": {"project": "clinic"}}'),
    (NULL, 'CANARY 3', '{"resourceType": "Patient", "id": "CANARY 3", "active": true, "meta": {"project": "clinic"}}'),
    ('Patient', 'CANARY 4', '{"id": "CANARY 4", "active": true, "meta": {"project": "clinic"}}'),
    ('Patient', 'CANARY 5', '["resourceType", "Patient"]'), ('Patient', 'CANARY 6', '"Patient"'), ('Patient', 'CANARY 7', 'null');

-- What can be said of a table, and what cannot.
SELECT fhir_access.protect('by_column', 'Patient', resource_type_column => 'resource_type');
SELECT fhir_access.protect(NULL);
SELECT fhir_access.protect('by_column', id_column => NULL);
SELECT fhir_access.protect('by_column', resource_column => NULL);
SELECT fhir_access.protect('by_column', resource_type_column => 'type');
SELECT fhir_access.protect('by_column', resource_type_column => 'resource');
SELECT fhir_access.protect('by_column', resource_type_column => 'id');
CREATE COLLATION whatever (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE TABLE odd (id text, resource jsonb, code integer, loose text COLLATE whatever, padded char(40));
SELECT fhir_access.protect('odd', resource_type_column => 'code');
SELECT fhir_access.protect('odd', resource_type_column => 'loose');
SELECT fhir_access.protect('odd', resource_type_column => 'padded');
SELECT fhir_access.protect('odd', 'Pateint');

SELECT fhir_access.protect('by_column', resource_type_column => 'resource_type');
SELECT fhir_access.protect('by_computed', resource_type_column => 'resource_type');
SELECT fhir_access.protect('by_document');
SELECT * FROM fhir_access.protected_relation ORDER BY relation::text;

INSERT INTO fhir_access.project (resource) VALUES ('{"resourceType": "Project", "id": "clinic", "link": [{"project": {"reference": "Project/elsewhere"}}]}'),
    ('{"resourceType": "Project", "id": "elsewhere", "exportedResourceType": ["Observation"]}'),
    ('{"resourceType": "Project", "id": "super", "superAdmin": true}');
INSERT INTO fhir_access.access_policy (resource) VALUES
('{"resourceType": "AccessPolicy", "id": "clinic", "resource": [
    {"resourceType": "Patient", "criteria": "Patient?active=true", "hiddenFields": ["birthDate"], "readonlyFields": ["gender"]},
    {"resourceType": "Observation", "criteria": "Observation?status=final", "hiddenFields": ["value[x]"],
     "writeConstraint": [{"language": "text/fhirpath", "expression": "note.exists()"}]},
    {"resourceType": "Patient", "criteria": "Patient?active=false", "hiddenFields": ["name"], "readonly": true},
    {"resourceType": "Encounter", "interaction": ["read", "create"]}]}'),
('{"resourceType": "AccessPolicy", "id": "own", "resource": [{"resourceType": "*", "criteria": "*?_compartment=%patient", "hiddenFields": ["birthDate", "value[x]"]}]}'),
('{"resourceType": "AccessPolicy", "id": "all", "resource": [
    {"resourceType": "Patient", "hiddenFields": ["birthDate", "name"]},
    {"resourceType": "*", "readonly": true, "hiddenFields": ["value[x]"]}]}');
INSERT INTO fhir_access.project_membership (resource) VALUES
    ('{"resourceType": "ProjectMembership", "id": "clinic", "accessPolicy": {"reference": "AccessPolicy/clinic"}}'),
    ('{"resourceType": "ProjectMembership", "id": "project", "project": {"reference": "Project/clinic"}, "accessPolicy": {"reference": "AccessPolicy/all"}}'),
    ('{"resourceType": "ProjectMembership", "id": "own", "profile": {"reference": "Patient/1"}, "accessPolicy": {"reference": "AccessPolicy/own"}}'),
    ('{"resourceType": "ProjectMembership", "id": "super", "project": {"reference": "Project/super"}, "accessPolicy": {"reference": "AccessPolicy/all"}}');

-- What the application sees in the three tables.
CREATE FUNCTION seen(table_name text) RETURNS SETOF jsonb LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY EXECUTE format('SELECT resource FROM %I ORDER BY resource ->> ''resourceType'', id', table_name);
END $$;
CREATE FUNCTION same() RETURNS text LANGUAGE sql AS $$
    SELECT CASE WHEN count(DISTINCT found) = 1 THEN 'all three alike' ELSE 'THEY DIFFER' END || CASE WHEN bool_or(found LIKE '%CANARY%') THEN ', AND SHOW WHAT IS HIDDEN' ELSE '' END
      FROM (SELECT string_agg(resource::text, ';' ORDER BY n) FROM unnest('{by_column,by_computed,by_document}'::text[]) AS t (name), seen(name) WITH ORDINALITY AS s (resource, n)
             GROUP BY name) AS rows (found)
$$;

\c - app
SELECT count(*) FROM by_column;
SET fhir_access.membership = 'clinic';
SELECT * FROM by_column ORDER BY resource_type, id;
SELECT same();
SELECT t FROM by_computed t WHERE resource_type = 'Patient' ORDER BY id;
SET fhir_access.membership = 'project';
SELECT * FROM seen('by_document');
SELECT same();
SET fhir_access.membership = 'own';
SELECT * FROM seen('by_document');
SELECT same();
-- Who may see the types that administer a project sees them here, too.
SET fhir_access.membership = 'super';
SELECT resource ->> 'resourceType' AS type, count(*) FROM by_document GROUP BY 1 ORDER BY 1;

-- What is asked of the rows: per type its own entries; the document must agree with the column, unless it is the column's source.
SET fhir_access.membership = 'clinic';
EXPLAIN (COSTS OFF) SELECT id FROM by_column;
EXPLAIN (COSTS OFF) SELECT id FROM by_computed;
EXPLAIN (COSTS OFF) SELECT id FROM by_document;
EXPLAIN (COSTS OFF) SELECT id FROM by_column WHERE resource_type = 'Patient' AND id = '1';
SELECT place, predicate, hidden_fields FROM fhir_access.explain('Patient');
SELECT place, predicate, hidden_fields FROM fhir_access.explain('Encounter', 'read');

-- By type and id: the id alone is several rows'.
SELECT fhir_access.read('Patient', '1'), fhir_access.read('Encounter', '1') ->> 'status' AS encounter, fhir_access.read('Observation', '1') ->> 'status' AS observation;
SELECT t, fhir_access.read(t, '1') FROM unnest('{Binary,AccessPolicy,Organization}'::text[]) t;
SELECT fhir_access.read('Patient', 'CANARY 1'), fhir_access.read('Patient', 'CANARY 3');
SELECT r, c.allowed, c.reason FROM unnest('{Patient/1,Patient/2,Patient/3,Observation/2,Encounter/1,Organization/1,Organization/CANARY 1,Binary/1}'::text[]) r, fhir_access.check(r, 'update') c;

-- Writing: what holds for the row's own type.
INSERT INTO by_column VALUES ('Patient', 'new', '{"resourceType": "Patient", "id": "new", "active": true, "birthDate": "2000-01-01", "gender": "male"}') RETURNING *;
INSERT INTO by_computed VALUES ('new', '{"resourceType": "Patient", "id": "new", "active": true, "birthDate": "2000-01-01", "gender": "male"}') RETURNING *;
INSERT INTO by_document VALUES ('new', '{"resourceType": "Patient", "id": "new", "active": true, "birthDate": "2000-01-01", "gender": "male"}') RETURNING *;
INSERT INTO by_document VALUES ('e', '{"resourceType": "Encounter", "id": "e", "status": "planned"}');
INSERT INTO by_document VALUES ('o', '{"resourceType": "Observation", "id": "o", "status": "final"}');
INSERT INTO by_document VALUES ('o', '{"resourceType": "Observation", "id": "o", "status": "final", "note": [{"text": "seen"}]}') RETURNING *;
INSERT INTO by_document VALUES ('o', '{"resourceType": "Observation", "id": "o", "status": "amended", "note": [{"text": "seen"}]}');
INSERT INTO by_document VALUES ('o', '{"resourceType": "Organization", "id": "o"}');
INSERT INTO by_document VALUES ('a', '{"resourceType": "AccessPolicy", "id": "a"}');
UPDATE by_document SET resource = resource || '{"gender": "other", "language": "de"}' WHERE id = '1' AND resource ->> 'resourceType' = 'Patient' RETURNING *;
UPDATE by_column SET resource = resource || '{"language": "de"}' WHERE (resource_type, id) = ('Observation', '1');
UPDATE by_column SET resource = resource || '{"note": [{"text": "n"}]}' WHERE (resource_type, id) = ('Observation', '1') RETURNING *;
UPDATE by_column SET resource = resource || '{"language": "de"}' WHERE (resource_type, id) = ('Patient', '2');
DELETE FROM by_column WHERE (resource_type, id) = ('Patient', '2');
UPDATE by_column SET resource = resource WHERE resource_type IN ('Organization', 'AccessPolicy', 'Binary') OR id LIKE 'CANARY%';
DELETE FROM by_column WHERE (resource_type, id) = ('Patient', 'new') RETURNING id;

-- No row of no type, of an unknown one, or of one that differs from the column's.
INSERT INTO by_document VALUES ('x', '{"id": "x", "active": true}');
INSERT INTO by_document VALUES ('x', '{"resourceType": null, "id": "x", "active": true}');
INSERT INTO by_document VALUES ('x', '{"resourceType": "Pateint-CANARY", "id": "x"}');
INSERT INTO by_document VALUES ('x', '{"resourceType": "Resource", "id": "x"}');
INSERT INTO by_document VALUES ('x', '[]');
INSERT INTO by_column VALUES ('Encounter', 'x', '{"resourceType": "Patient", "id": "x", "active": true}');
INSERT INTO by_column VALUES ('CANARY', 'x', '{"resourceType": "Patient", "id": "x", "active": true}');
INSERT INTO by_column VALUES (NULL, 'x', '{"resourceType": "Patient", "id": "x", "active": true}');
INSERT INTO by_computed VALUES ('x', '{"resourceType": "Pateint", "id": "x"}');

-- A row stays of its type.
UPDATE by_document SET resource = '{"resourceType": "Encounter", "id": "1"}' WHERE id = '1' AND resource @> '{"resourceType": "Patient"}';
UPDATE by_computed SET resource = resource || '{"resourceType": "Observation", "status": "final", "note": [{}]}' WHERE id = '1' AND resource_type = 'Patient';
UPDATE by_column SET resource_type = 'Observation' WHERE id = '1' AND resource_type = 'Patient';
UPDATE by_column SET resource_type = 'Observation', resource = resource || '{"resourceType": "Observation", "status": "final", "note": [{}]}' WHERE id = '1' AND resource_type = 'Patient';
UPDATE by_column SET resource_type = NULL WHERE id = '1' AND resource_type = 'Patient';

-- A Binary follows its security context, which is in the same table.
SET fhir_access.membership = 'project';
SELECT id, fhir_access.read('Binary', id) IS NOT NULL AS read FROM by_column WHERE resource_type = 'Binary' ORDER BY id;
SELECT count(*) FROM by_column WHERE resource -> 'data' IS NOT NULL;
SET fhir_access.membership = 'clinic';

-- Upserts, MERGE and COPY.
INSERT INTO by_column VALUES ('Patient', '1', '{"resourceType": "Patient", "id": "1", "active": true, "language": "fr"}')
    ON CONFLICT (resource_type, id) DO UPDATE SET resource = excluded.resource RETURNING *;
INSERT INTO by_column VALUES ('Encounter', '1', '{"resourceType": "Encounter", "id": "1", "status": "planned"}')
    ON CONFLICT (resource_type, id) DO UPDATE SET resource = excluded.resource;
INSERT INTO by_column VALUES ('Patient', '1', '{"resourceType": "Patient", "id": "1", "active": true}')
    ON CONFLICT (resource_type, id) DO UPDATE SET resource_type = 'Observation';
MERGE INTO by_column b USING (VALUES ('Patient', '1'), ('Patient', 'm'), ('Observation', '1')) v (type, id) ON (b.resource_type, b.id) = (v.type, v.id)
    WHEN MATCHED THEN UPDATE SET resource = b.resource || '{"language": "it"}'
    WHEN NOT MATCHED THEN INSERT VALUES (type, v.id, jsonb_build_object('resourceType', type, 'id', v.id, 'active', true));
COPY by_column FROM STDIN;
Patient	c1	{"resourceType": "Patient", "id": "c1", "active": true, "birthDate": "dropped"}
Encounter	c2	{"resourceType": "Encounter", "id": "c2", "status": "planned"}
\.
COPY by_column FROM STDIN;
Encounter	c3	{"resourceType": "Encounter", "id": "c3", "status": "planned"}
Organization	c4	{"resourceType": "Organization", "id": "c4"}
\.
SELECT id, resource - 'meta' AS resource FROM by_column WHERE resource_type = 'Patient' ORDER BY id;
COPY by_computed TO STDOUT;
TRUNCATE by_document;

-- Accounts of an Observation's patient are found in the same table, and a Patient keeps its own.
\c - postgres
UPDATE by_document SET resource = resource || '{"meta": {"accounts": [{"reference": "Organization/lab"}]}}' WHERE id = '1' AND resource @> '{"resourceType": "Patient"}';
-- What is stored: nothing that is hidden was lost or written.
SELECT id, resource FROM by_column WHERE resource_type IN ('Patient', 'Observation') AND id IN ('1', 'c1') ORDER BY resource_type, id;
\c - app
SET fhir_access.membership = 'clinic';
INSERT INTO by_document VALUES ('t', '{"resourceType": "Observation", "id": "t", "status": "final", "note": [{}], "subject": {"reference": "Patient/1"}}') RETURNING resource -> 'meta' AS meta;
UPDATE by_document SET resource = resource - 'meta' WHERE id = '1' AND resource @> '{"resourceType": "Patient"}' RETURNING resource -> 'meta' AS meta;

-- Columns of other types.
\c - postgres
CREATE TYPE kind AS ENUM ('Patient', 'Observation', 'Nonsense');
CREATE DOMAIN word AS varchar(64) CHECK (value <> '');
CREATE TABLE by_enum (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), kind kind NOT NULL, resource jsonb NOT NULL);
CREATE TABLE by_domain (id bigint, "Kind of it" word NOT NULL, resource jsonb NOT NULL);
CREATE TABLE by_name (id text, kind name, resource jsonb NOT NULL);
CREATE INDEX ON by_enum (kind);
CREATE INDEX ON by_domain ("Kind of it");
CREATE INDEX ON by_name (kind);
SELECT fhir_access.protect('by_enum', resource_type_column => 'kind'), fhir_access.protect('by_domain', resource_type_column => 'Kind of it'),
       fhir_access.protect('by_name', resource_type_column => 'kind');
\c - app
SET fhir_access.membership = 'clinic';
INSERT INTO by_enum (kind, resource) VALUES ('Patient', '{"resourceType": "Patient", "active": true}'), ('Observation', '{"resourceType": "Observation", "status": "final", "note": [{}]}');
INSERT INTO by_enum (kind, resource) VALUES ('Nonsense', '{"resourceType": "Patient", "active": true}');
INSERT INTO by_domain VALUES (1, 'Patient', '{"resourceType": "Patient", "active": true}'), (2, 'Observation', '{"resourceType": "Observation", "status": "final", "note": [{}]}');
INSERT INTO by_name VALUES ('1', 'Patient', '{"resourceType": "Patient", "active": true}'), ('2', 'Observation', '{"resourceType": "Observation", "status": "final", "note": [{}]}');
SELECT kind, resource FROM by_enum ORDER BY kind;
SELECT * FROM by_domain ORDER BY id;
SELECT * FROM by_name ORDER BY id;
SET enable_seqscan = off;
SET enable_bitmapscan = off;
EXPLAIN (COSTS OFF) SELECT kind FROM by_enum WHERE kind = 'Patient';
EXPLAIN (COSTS OFF) SELECT id FROM by_domain WHERE "Kind of it" = 'Patient';
EXPLAIN (COSTS OFF) SELECT id FROM by_name WHERE kind = 'Patient';
-- A label that comes later is a type like the others.
\c - postgres
ALTER TYPE kind ADD VALUE 'Encounter';
\c - app
SET fhir_access.membership = 'project';
SELECT kind, count(*) FROM by_enum GROUP BY 1;
\c - postgres
INSERT INTO by_enum (kind, resource) VALUES ('Encounter', '{"resourceType": "Encounter", "status": "planned", "meta": {"project": "clinic"}}');
\c - app
SET fhir_access.membership = 'project';
SELECT kind, count(*) FROM by_enum GROUP BY 1;

-- With documents that are kept as text, a project column and a column that repeats a field: of whatever type has it.
\c - postgres
CREATE TABLE by_text (kind varchar NOT NULL, id text NOT NULL, project text, born text, content text NOT NULL, UNIQUE (kind, id));
INSERT INTO by_text SELECT coalesce(resource ->> 'resourceType', ''), id || row_number() OVER (), CASE WHEN resource -> 'meta' @> '{"project": "clinic"}' THEN 'clinic' ELSE 'elsewhere' END,
    resource ->> 'birthDate', (resource #- '{meta,project}')::text FROM by_computed;
INSERT INTO by_text VALUES ('Patient', 'no JSON', 'clinic', 'CANARY', 'CANARY {"resourceType": "Patient", "active": true}'),
    ('Organization', 'other', 'clinic', 'CANARY', '{"resourceType": "Organization", "resourceType": "Patient", "active": true, "name": "CANARY"}');
SELECT fhir_access.protect('by_text', NULL, 'content', resource_type_column => 'kind', derived_columns => '{"born": "birthDat"}');
SELECT fhir_access.protect('by_text', NULL, 'content', resource_type_column => 'kind', derived_columns => '{"kind": "birthDate"}');
SELECT fhir_access.protect('by_text', NULL, 'content', resource_type_column => 'kind', project_column => 'kind');
SELECT fhir_access.protect('by_text', NULL, 'content', resource_type_column => 'kind', derived_columns => '{"born": "birthDate"}', project_column => 'project');
\c - app
SET fhir_access.membership = 'project';
SELECT kind, project, born, content FROM by_text ORDER BY kind, id;
SET fhir_access.membership = 'clinic';
SELECT count(*) FROM by_text WHERE content LIKE '%CANARY%' OR born IS NOT NULL;
EXPLAIN (COSTS OFF) SELECT id FROM by_text WHERE kind = 'Patient' AND id = '1';
EXPLAIN (COSTS OFF) SELECT id FROM by_text WHERE content::jsonb ->> 'resourceType' = 'Encounter';
INSERT INTO by_text VALUES ('Patient', 'n', NULL, 'x', '{"active": true, "resourceType": "Patient", "birthDate": "x", "gender": "male"}') RETURNING *;
INSERT INTO by_text VALUES ('Patient', 'n', NULL, NULL, '{"active": true, "resourceType": "Patient", "resourceType": "Encounter"}');
INSERT INTO by_text VALUES ('Patient', 'n', NULL, NULL, '{"active": true, ');
UPDATE by_text SET content = '{"resourceType": "Encounter"}' WHERE kind = 'Patient';
-- The document alone says its type.
\c - postgres
SELECT fhir_access.protect('by_text', NULL, 'content');
CREATE INDEX ON by_text ((fhir_access.document(content) ->> 'resourceType'));
SELECT statement FROM fhir_access.index_advice() WHERE relation = 'by_text'::regclass;
\c - app
SET fhir_access.membership = 'clinic';
SET enable_seqscan = off;
EXPLAIN (COSTS OFF) SELECT id FROM by_text WHERE content::jsonb ->> 'resourceType' = 'Patient';

-- Protected again with another layout, and given up.
\c - postgres
SELECT fhir_access.protect('by_column');
SELECT relation, resource_type, resource_type_column FROM fhir_access.protected_relation ORDER BY relation::text;
\c - app
SET fhir_access.membership = 'clinic';
SELECT count(*) FILTER (WHERE id LIKE 'CANARY%') AS by_their_documents, count(*) FROM by_column;
\c - postgres
SELECT fhir_access.protect('by_column', 'Patient');
SELECT fhir_access.protect('by_column', resource_type_column => 'resource_type');
\set VERBOSITY terse
ALTER TABLE by_column DROP COLUMN resource_type;
\set VERBOSITY default
\c - app
SET fhir_access.membership = 'clinic';
SELECT count(*) FROM by_column;
\c - postgres
SELECT fhir_access.unprotect('by_column');
SELECT fhir_access.unprotect('by_document');
SELECT relation, resource_type, resource_type_column FROM fhir_access.protected_relation ORDER BY relation::text;
SELECT severity, subject, message FROM fhir_access.doctor() WHERE severity = 'error';
