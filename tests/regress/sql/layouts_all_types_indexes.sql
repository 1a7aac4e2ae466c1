-- Indexes on a table of all types: one that begins with the type finds all rows of a type; what finds rows by what is in them is
-- the same as in a table of one type, and one index serves all types.
\ir prologue.sql

CREATE TABLE by_column (type text NOT NULL, id text NOT NULL, resource jsonb NOT NULL);
CREATE TABLE by_document (id text NOT NULL, resource jsonb NOT NULL);
INSERT INTO by_document
SELECT n::text, jsonb_build_object('resourceType', t, 'id', n::text, 'status', CASE n % 200 WHEN 0 THEN 'draft' ELSE 'final' END,
           'subject', jsonb_build_object('reference', 'Patient/' || n % 500), 'patient', jsonb_build_object('reference', 'Patient/' || n % 500))
  FROM unnest('{Observation,Condition,Claim,Encounter,Immunization}'::text[]) t, generate_series(1, 2000) n
UNION ALL SELECT n::text, jsonb_build_object('resourceType', 'Patient', 'id', n::text) FROM generate_series(1, 500) n
UNION ALL SELECT n::text, jsonb_build_object('resourceType', 'Organization', 'id', n::text) FROM generate_series(1, 10) n;
INSERT INTO by_column SELECT resource ->> 'resourceType', id, resource FROM by_document;
SELECT fhir_access.protect('by_column', resource_type_column => 'type'), fhir_access.protect('by_document');
INSERT INTO fhir_access.access_policy (resource) VALUES
('{"resourceType": "AccessPolicy", "id": "directory", "resource": [{"resourceType": "Organization"}, {"resourceType": "Patient", "criteria": "Patient?_id=7"}]}'),
('{"resourceType": "AccessPolicy", "id": "drafts", "resource": [{"resourceType": "Observation", "criteria": "Observation?status=draft"},
    {"resourceType": "Claim", "criteria": "Claim?status:not=final"}]}'),
('{"resourceType": "AccessPolicy", "id": "own", "resource": [{"resourceType": "*", "criteria": "*?_compartment=%patient"}]}'),
('{"resourceType": "AccessPolicy", "id": "everything", "resource": [{"resourceType": "*"}]}');
INSERT INTO fhir_access.project_membership (resource)
SELECT jsonb_build_object('resourceType', 'ProjectMembership', 'id', p, 'profile', '{"reference": "Patient/7"}'::jsonb, 'accessPolicy', jsonb_build_object('reference', 'AccessPolicy/' || p))
  FROM unnest('{directory,drafts,own,everything}'::text[]) p;

SELECT relation, statement, criteria FROM fhir_access.index_advice() ORDER BY relation::text, statement COLLATE "C";
SELECT severity, subject, message, hint FROM fhir_access.doctor() ORDER BY subject;
DO $$
DECLARE
    statement text;
BEGIN
    FOR statement IN SELECT a.statement FROM fhir_access.index_advice() a LOOP
        EXECUTE statement;
    END LOOP;
END $$;
VACUUM ANALYZE by_column, by_document;
SELECT * FROM fhir_access.index_advice();
SELECT * FROM fhir_access.doctor();

\c - app
SET fhir_access.membership = 'directory';
EXPLAIN (COSTS OFF) SELECT id FROM by_column WHERE type = 'Organization';
EXPLAIN (COSTS OFF) SELECT id FROM by_document WHERE resource ->> 'resourceType' = 'Organization';
SET fhir_access.membership = 'drafts';
EXPLAIN (COSTS OFF) SELECT id FROM by_column WHERE type = 'Observation';
EXPLAIN (COSTS OFF) SELECT id FROM by_document WHERE resource ->> 'resourceType' = 'Observation';
-- A whole compartment: its rows are found by the references that each type has.
SET fhir_access.membership = 'own';
EXPLAIN (COSTS OFF) SELECT id FROM by_column WHERE type = 'Observation';
EXPLAIN (COSTS OFF) SELECT id FROM by_document WHERE resource ->> 'resourceType' IN ('Claim', 'Immunization');
SELECT type, count(*) FROM by_column GROUP BY 1 ORDER BY 1;
SELECT resource ->> 'resourceType' AS type, count(*) FROM by_document GROUP BY 1 ORDER BY 1;
CREATE TEMP TABLE plan (line text);
DO $$
DECLARE
    line text;
BEGIN
    FOR line IN EXPLAIN (COSTS OFF) SELECT id FROM by_column LOOP
        INSERT INTO plan VALUES (line);
    END LOOP;
END $$;
SELECT count(*) FILTER (WHERE line LIKE '%Seq Scan%') AS scans, count(*) FILTER (WHERE line LIKE '%Bitmap Index Scan on by_column_resource_idx') > 0 AS by_index FROM plan;

-- One reference in irregular form is looked for in its own type alone: the others are found as before.
SET fhir_access.membership = 'everything';
INSERT INTO by_column VALUES ('Claim', 'v', '{"resourceType": "Claim", "id": "v", "patient": {"reference": "Patient/7/_history/2"}}');
INSERT INTO by_document VALUES ('c', '{"resourceType": "Encounter", "id": "c", "subject": {"reference": "#p"}, "contained": [{"resourceType": "Patient", "id": "p"}]}');
SELECT relation, irregular_references, irregular_types FROM fhir_access.protected_relation ORDER BY relation::text;
SET fhir_access.membership = 'own';
SELECT count(*) FROM by_column WHERE type = 'Claim';
EXPLAIN (COSTS OFF) SELECT id FROM by_column WHERE type = 'Claim';
EXPLAIN (COSTS OFF) SELECT id FROM by_column WHERE type IN ('Claim', 'Immunization');
EXPLAIN (COSTS OFF) SELECT id FROM by_column WHERE type = 'Observation';
-- What is advised then is for these types.
\c - postgres
SELECT relation, statement FROM fhir_access.index_advice() ORDER BY relation::text, statement COLLATE "C";
-- Protected anew, the rows are looked at again.
DELETE FROM by_column WHERE id = 'v';
DELETE FROM by_document WHERE id = 'c';
SELECT fhir_access.unprotect('by_column'), fhir_access.unprotect('by_document');
SELECT fhir_access.protect('by_column', resource_type_column => 'type'), fhir_access.protect('by_document');
SELECT relation, irregular_references, irregular_types FROM fhir_access.protected_relation ORDER BY relation::text;
