-- Wrong and hostile input: each refused with a clear error and an SQLSTATE, with the backend alive and nothing half done.
\ir prologue.sql

CREATE TABLE patient (id text PRIMARY KEY, resource jsonb NOT NULL);
INSERT INTO patient VALUES ('homer', '{"resourceType": "Patient", "id": "homer"}');
SELECT fhir_access.protect('patient', 'Patient');
-- The process that everything below must leave alive.
SELECT pg_backend_pid() AS backend \gset

-- Malformed JSON.
INSERT INTO fhir_access.access_policy (resource) VALUES ('{"resourceType": "AccessPolicy", "resource": [}');
\echo :LAST_ERROR_SQLSTATE
INSERT INTO fhir_access.access_policy (resource) VALUES ('{"resourceType": "AccessPolicy", "name": "NUL: \u0000"}');
\echo :LAST_ERROR_SQLSTATE
INSERT INTO fhir_access.access_policy (resource) VALUES ('{"resourceType": "AccessPolicy", "name": "half a pair: \ud800"}');
\echo :LAST_ERROR_SQLSTATE

-- Wrong types, everywhere.
INSERT INTO fhir_access.access_policy (resource) VALUES ('"AccessPolicy"');
\echo :LAST_ERROR_SQLSTATE
INSERT INTO fhir_access.access_policy (resource) VALUES ('[{"resourceType": "AccessPolicy"}]');
\echo :LAST_ERROR_SQLSTATE
INSERT INTO fhir_access.access_policy (resource) VALUES ('{"resourceType": ["AccessPolicy"]}');
\echo :LAST_ERROR_SQLSTATE
INSERT INTO fhir_access.access_policy (resource) VALUES (NULL);
\echo :LAST_ERROR_SQLSTATE
INSERT INTO fhir_access.access_policy (resource) VALUES
('{"resourceType": "AccessPolicy", "compartment": "Organization/o", "resource": {"resourceType": "Patient"}, "ipAccessRule": [7, null]}');
\echo :LAST_ERROR_SQLSTATE
INSERT INTO fhir_access.access_policy (resource) VALUES
('{"resourceType": "AccessPolicy", "resource": [null, [], "x", {"resourceType": 1, "criteria": {}, "readonly": "true",
   "interaction": "read", "hiddenFields": "name", "readonlyFields": [["name"], 3, ""]}]}');
\echo :LAST_ERROR_SQLSTATE
INSERT INTO fhir_access.project_membership (resource) VALUES
('{"resourceType": "ProjectMembership", "project": "Project/p", "profile": [], "admin": 1, "active": "false", "accessPolicy": "AccessPolicy/x",
   "access": {"policy": {"reference": "AccessPolicy/x"}}}');
\echo :LAST_ERROR_SQLSTATE

-- Criteria: no text, no type, escapes that are none, a NUL, bytes that are no UTF-8, characters that must be escaped.
CREATE FUNCTION policy_with(criteria text) RETURNS jsonb LANGUAGE sql
    RETURN jsonb_build_object('resourceType', 'AccessPolicy',
                              'resource', jsonb_build_array(jsonb_build_object('resourceType', 'Patient', 'criteria', criteria)));
SELECT c AS criteria, v.severity, v.message
  FROM unnest(ARRAY['', '?', 'Patient', 'Patient?', 'Patient?&', 'Patient?=x', 'Patient?gender', 'Patient?gender=', 'Patient?gender=,',
                    '?gender=male', 'patient?gender=male', 'Observation?status=final', '*?_compartment=Patient/x',
                    'Patient?gender=%zz', 'Patient?gender=%4', 'Patient?gender=%', 'Patient?gender=%00', 'Patient?gender=%ff',
                    'Patient?gender=a\', 'Patient?gender=a|b|c', 'Patient?gender=male;DROP', 'Patient?gender=''; DROP TABLE patient; --',
                    'Patient?_compartment=x/y/z', 'Patient?organization=Nothing/1', 'Patient?active=maybe',
                    'Patient?name:missing=perhaps', 'Patient?name:=x', 'Patient?%67ender=male', 'Patient?gender=%25gender']) WITH ORDINALITY t (c, n)
  LEFT JOIN LATERAL fhir_access.validate(policy_with(c)) v ON true
 ORDER BY n;

-- Too many values and parameters; a megabyte of criteria: one value, nothing but commas, nothing but percent signs.
SELECT v.severity, left(v.message, 100) AS message
  FROM fhir_access.validate(policy_with('Patient?_id=' || repeat('x,', 20000) || 'x')) v;
SELECT v.severity, left(v.message, 100) AS message
  FROM fhir_access.validate(policy_with('Patient?' || repeat('active=true&', 1500) || 'active=true')) v;
SELECT v.severity, left(v.message, 100) AS message
  FROM fhir_access.validate(policy_with('Patient?name=' || repeat('x', 1000000))) v;
INSERT INTO fhir_access.access_policy (resource) VALUES (policy_with('Patient?gender=' || repeat(',', 1000000)));
\echo :LAST_ERROR_SQLSTATE
INSERT INTO fhir_access.access_policy (resource) VALUES (policy_with(repeat('%', 1000000)));
\echo :LAST_ERROR_SQLSTATE

-- Ten thousand entries are too many; five thousand work.
INSERT INTO fhir_access.access_policy (resource)
SELECT jsonb_build_object('resourceType', 'AccessPolicy', 'id', 'huge', 'resource',
           jsonb_agg(jsonb_build_object('resourceType', 'Patient', 'criteria', 'Patient?_id=p' || n)))
  FROM generate_series(1, 10000) n;
\echo :LAST_ERROR_SQLSTATE
INSERT INTO fhir_access.access_policy (resource)
SELECT jsonb_build_object('resourceType', 'AccessPolicy', 'id', 'huge', 'resource',
           jsonb_agg(jsonb_build_object('resourceType', 'Patient', 'criteria', 'Patient?_id=p' || n)))
  FROM generate_series(1, 5000) n;
SET fhir_access.membership = '{"resourceType": "ProjectMembership", "accessPolicy": {"reference": "AccessPolicy/huge"}}';
SET ROLE app;
SELECT id FROM patient;
INSERT INTO patient VALUES ('p5000', '{"resourceType": "Patient", "id": "p5000"}');
\set VERBOSITY terse
INSERT INTO patient VALUES ('p5001', '{"resourceType": "Patient", "id": "p5001"}');
\set VERBOSITY default
\echo :LAST_ERROR_SQLSTATE
SELECT id FROM patient;
RESET ROLE;
RESET fhir_access.membership;

-- A nesting that no policy has.
SELECT v.severity, left(v.message, 100) AS message
  FROM fhir_access.validate(('{"resourceType": "AccessPolicy", "x": ' || repeat('[', 6000) || repeat(']', 6000) || '}')::jsonb) v;
INSERT INTO fhir_access.access_policy (resource) VALUES
(('{"resourceType": "AccessPolicy", "resource": ' || repeat('[', 6000) || repeat(']', 6000) || '}')::jsonb);
\echo :LAST_ERROR_SQLSTATE
INSERT INTO fhir_access.access_policy (resource)
SELECT jsonb_build_object('resourceType', 'AccessPolicy', 'id', 'deep', 'resource', jsonb_build_array(jsonb_build_object(
           'resourceType', 'Patient', 'hiddenFields', jsonb_build_array(repeat('a.', 100000) || 'a'))));
\echo :LAST_ERROR_SQLSTATE

-- Unknown references: writing a membership before its policy is allowed, as in a restore; using it is not.
INSERT INTO fhir_access.project_membership (resource) VALUES
('{"resourceType": "ProjectMembership", "id": "early", "accessPolicy": {"reference": "AccessPolicy/later"}}'),
('{"resourceType": "ProjectMembership", "id": "lost", "project": {"reference": "Project/nowhere"}}');
INSERT INTO fhir_access.project_membership (resource) VALUES
('{"resourceType": "ProjectMembership", "accessPolicy": {"reference": "Patient/p"}, "profile": {"reference": "Wizard/w"}}');
\echo :LAST_ERROR_SQLSTATE
SET ROLE app;
SET fhir_access.membership = 'early';
SELECT id FROM patient;
\echo :LAST_ERROR_SQLSTATE
SET fhir_access.membership = 'lost';
SELECT id FROM patient;
\echo :LAST_ERROR_SQLSTATE
SET fhir_access.membership = 'nobody';
SELECT id FROM patient;
\echo :LAST_ERROR_SQLSTATE
RESET fhir_access.membership;
RESET ROLE;

-- protect: a table that is not there, no column of that name, a column that holds something else, no such type, no NULLs.
CREATE TABLE plain (id text, resource bytea, doc jsonb, generated jsonb GENERATED ALWAYS AS ('{}'::jsonb) STORED);
SELECT fhir_access.protect('nowhere', 'Patient');
\echo :LAST_ERROR_SQLSTATE
SELECT fhir_access.protect('plain', 'Patient', 'document');
\echo :LAST_ERROR_SQLSTATE
SELECT fhir_access.protect('plain', 'Patient', 'doc', 'key');
\echo :LAST_ERROR_SQLSTATE
SELECT fhir_access.protect('plain', 'Patient');
\echo :LAST_ERROR_SQLSTATE
SELECT fhir_access.protect('plain', 'Patient', 'generated');
\echo :LAST_ERROR_SQLSTATE
SELECT fhir_access.protect('plain', 'Pateint', 'doc');
\echo :LAST_ERROR_SQLSTATE
SELECT fhir_access.protect('plain', '', 'doc');
\echo :LAST_ERROR_SQLSTATE
SELECT fhir_access.protect(NULL, 'Patient', 'doc');
\echo :LAST_ERROR_SQLSTATE

-- protect: what is no table of resources.
CREATE VIEW a_view AS SELECT id, resource FROM patient;
CREATE MATERIALIZED VIEW a_copy AS SELECT 'x' AS id, '{}'::jsonb AS resource;
CREATE FOREIGN DATA WRAPPER nothing;
CREATE SERVER elsewhere FOREIGN DATA WRAPPER nothing;
CREATE FOREIGN TABLE far (id text, resource jsonb) SERVER elsewhere;
CREATE SEQUENCE numbers;
SELECT fhir_access.protect('a_view', 'Patient');
\echo :LAST_ERROR_SQLSTATE
SELECT fhir_access.protect('a_copy', 'Patient');
\echo :LAST_ERROR_SQLSTATE
SELECT fhir_access.protect('far', 'Patient');
\echo :LAST_ERROR_SQLSTATE
SELECT fhir_access.protect('numbers', 'Patient');
\echo :LAST_ERROR_SQLSTATE
SELECT fhir_access.protect('patient_pkey', 'Patient');
\echo :LAST_ERROR_SQLSTATE
SELECT fhir_access.protect('pg_class', 'Patient');
\echo :LAST_ERROR_SQLSTATE
SELECT fhir_access.protect('information_schema.sql_features', 'Patient');
\echo :LAST_ERROR_SQLSTATE
SELECT fhir_access.protect('fhir_access.access_policy', 'AccessPolicy');
\echo :LAST_ERROR_SQLSTATE
SELECT fhir_access.protect('fhir_access.protection', 'Patient');
\echo :LAST_ERROR_SQLSTATE

-- protect: not by everybody, and not a table of somebody else.
CREATE SCHEMA steward AUTHORIZATION steward;
SET ROLE steward;
SELECT fhir_access.protect('patient', 'Patient');
\echo :LAST_ERROR_SQLSTATE
RESET ROLE;
GRANT EXECUTE ON FUNCTION fhir_access.protect TO steward;
SET ROLE steward;
CREATE TABLE steward.own (id text, resource jsonb);
SELECT fhir_access.protect('steward.own', 'Patient');
SELECT fhir_access.protect('patient', 'Patient');
\echo :LAST_ERROR_SQLSTATE
RESET ROLE;

-- A partitioned table of which one part does not fit: none of it is protected.
CREATE TABLE parent (id text, resource jsonb);
CREATE TABLE child (resource jsonb, id text) INHERITS (parent);
CREATE FOREIGN TABLE far_child () INHERITS (parent) SERVER elsewhere;
SELECT fhir_access.protect('parent', 'Patient');
\echo :LAST_ERROR_SQLSTATE

-- unprotect: what is not protected.
SELECT fhir_access.unprotect('plain');
\echo :LAST_ERROR_SQLSTATE

-- Protecting twice is not an error, and changes nothing.
SELECT fhir_access.protect('patient', 'Patient');

-- Nothing is half done: two protected tables, with two policies and two triggers each, and row security nowhere else.
SELECT p.relation, p.resource_type, p.row_security,
       (SELECT count(*) FROM pg_policy WHERE polrelid = p.relation) AS policies,
       (SELECT count(*) FROM pg_trigger WHERE tgrelid = p.relation) AS triggers
  FROM fhir_access.protected_relation p ORDER BY p.relation::text;
SELECT relname FROM pg_class WHERE relrowsecurity OR relforcerowsecurity ORDER BY relname;
SELECT count(*) AS policies FROM pg_policy;
SELECT count(*) AS triggers FROM pg_trigger WHERE tgfoid::regproc::text LIKE 'fhir_access.enforce%';
SELECT id, length(resource::text) > 100000 AS large FROM fhir_access.access_policy ORDER BY id;
SELECT id FROM fhir_access.project_membership ORDER BY id;

-- A protected table that loses its column is closed, and says so, until it is protected again.
CREATE TABLE device (id text, resource jsonb);
INSERT INTO device VALUES ('d', '{"resourceType": "Device", "id": "d"}');
SELECT fhir_access.protect('device', 'Device');
ALTER TABLE device RENAME resource TO document;
SET fhir_access.membership = '{"resourceType": "ProjectMembership"}';
SET ROLE app;
SELECT id FROM device;
\echo :LAST_ERROR_SQLSTATE
INSERT INTO device VALUES ('e', '{"resourceType": "Device", "id": "e"}');
\echo :LAST_ERROR_SQLSTATE
RESET ROLE;
SELECT fhir_access.protect('device', 'Device', 'document');
SET ROLE app;
SELECT id FROM device;
RESET ROLE;
ALTER TABLE device ALTER document TYPE bytea USING NULL;
SET ROLE app;
SELECT id FROM device;
\echo :LAST_ERROR_SQLSTATE
RESET ROLE;
RESET fhir_access.membership;

-- The functions of compiled statements are open to everybody, so they too must bear any argument.
SET ROLE app;
SELECT fhir_access.test('{}', 'no such test');
\echo :LAST_ERROR_SQLSTATE
SELECT fhir_access.test('{}', repeat('(', 100000));
\echo :LAST_ERROR_SQLSTATE
SELECT fhir_access.mask('{"a": 1}', repeat('a.', 100000));
\echo :LAST_ERROR_SQLSTATE
SELECT fhir_access.mask('[1, "x"]', 'name'), fhir_access.mask('"name"', 'name'), fhir_access.mask('{"name": 1, "id": 2}', 'name');
SELECT fhir_access.mask_row(7, 1, 'name', '{}');
\echo :LAST_ERROR_SQLSTATE
SELECT fhir_access.mask_row(ROW(1, 'x'), 1, 'name', '{}');
\echo :LAST_ERROR_SQLSTATE
SELECT fhir_access.mask_row(ROW(1, 'x'), -5, 'name', '{99, -1}');
SELECT fhir_access.has_irregular_references('[1, null, {"reference": 7}]');
SELECT fhir_access.enforced();
SELECT fhir_access.explain('Patient', 'reed');
\echo :LAST_ERROR_SQLSTATE
SELECT fhir_access.check('Patient', 'update');
\echo :LAST_ERROR_SQLSTATE
SELECT fhir_access.check('Pateint/x', 'update');
\echo :LAST_ERROR_SQLSTATE
RESET ROLE;

-- Still the same backend.
SELECT pg_backend_pid() = :backend AS alive;
