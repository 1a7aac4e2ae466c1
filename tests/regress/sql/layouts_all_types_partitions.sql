-- One table for all types with a partition per type: policies and statements that ask for some types look at their partitions only.
\ir prologue.sql

CREATE TABLE resource (kind text NOT NULL, id text NOT NULL, doc jsonb NOT NULL, PRIMARY KEY (kind, id)) PARTITION BY LIST (kind);
CREATE TABLE patient PARTITION OF resource FOR VALUES IN ('Patient');
CREATE TABLE observation PARTITION OF resource FOR VALUES IN ('Observation');
CREATE TABLE visits PARTITION OF resource FOR VALUES IN ('Encounter', 'EpisodeOfCare');
CREATE TABLE others PARTITION OF resource DEFAULT;
SELECT fhir_access.protect('resource', resource_column => 'doc', resource_type_column => 'kind');
-- What comes later follows.
CREATE TABLE condition PARTITION OF resource FOR VALUES IN ('Condition');
SELECT * FROM fhir_access.protected_relation ORDER BY relation::text;

INSERT INTO resource
SELECT type, type || n, jsonb_build_object('resourceType', type, 'id', type || n, 'subject', jsonb_build_object('reference', 'Patient/Patient' || n), 'note', 'CANARY')
  FROM unnest('{Patient,Observation,Encounter,EpisodeOfCare,Condition,Organization}'::text[]) type, generate_series(1, 2) n;
INSERT INTO fhir_access.access_policy (resource) VALUES
('{"resourceType": "AccessPolicy", "id": "some", "resource": [
    {"resourceType": "Observation", "criteria": "Observation?subject=Patient/Patient1", "hiddenFields": ["note"]},
    {"resourceType": "Condition", "criteria": "Condition?subject=Patient/Patient1", "hiddenFields": ["note"]}]}'),
('{"resourceType": "AccessPolicy", "id": "all", "resource": [{"resourceType": "*", "hiddenFields": ["note"]}]}');
INSERT INTO fhir_access.project_membership (resource) VALUES
    ('{"resourceType": "ProjectMembership", "id": "some", "accessPolicy": {"reference": "AccessPolicy/some"}}'),
    ('{"resourceType": "ProjectMembership", "id": "all", "accessPolicy": {"reference": "AccessPolicy/all"}}');

\c - app
SET fhir_access.membership = 'some';
SELECT tableoid::regclass, id, doc FROM resource ORDER BY id;
EXPLAIN (COSTS OFF) SELECT id FROM resource;
EXPLAIN (COSTS OFF) SELECT id FROM resource WHERE kind = 'Condition';
EXPLAIN (COSTS OFF) SELECT id FROM resource WHERE kind = 'Encounter';
-- By their own names.
SELECT * FROM observation;
SELECT count(*) FROM visits;
INSERT INTO observation VALUES ('Observation', 'o', '{"resourceType": "Observation", "id": "o", "subject": {"reference": "Patient/Patient1"}}') RETURNING id;
INSERT INTO observation VALUES ('Observation', 'p', '{"resourceType": "Condition", "id": "p", "subject": {"reference": "Patient/Patient1"}}');

-- A row does not move to another type's partition.
SET fhir_access.membership = 'all';
UPDATE resource SET kind = 'EpisodeOfCare' WHERE id = 'Encounter1';
UPDATE resource SET kind = 'Observation', doc = doc || '{"resourceType": "Observation"}' WHERE id = 'Condition1';
UPDATE resource SET doc = doc || '{"language": "de"}' WHERE kind = 'Encounter' RETURNING tableoid::regclass, doc;
SELECT kind, count(*) FROM resource GROUP BY 1 ORDER BY 1;

-- A partition is protected as the table that it belongs to, and given up with it.
\c - postgres
SELECT fhir_access.unprotect('patient');
SELECT fhir_access.unprotect('resource');
SELECT count(*) FROM fhir_access.protected_relation;
