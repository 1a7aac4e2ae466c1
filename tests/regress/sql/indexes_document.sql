-- One GIN index on the document serves everything that is equality: tokens, references, URIs, tags, projects, compartments,
-- composites, :exact. As in the file about ranges: the statement that is advised, executed; the plan; and that the rows are
-- those that were found before.
\ir prologue.sql
\ir granted.sql
\ir indexes.sql

CREATE TABLE observation (id text PRIMARY KEY, resource jsonb NOT NULL);
CREATE TABLE patient (id text PRIMARY KEY, resource jsonb NOT NULL);
CREATE TABLE bundle (id text PRIMARY KEY, resource jsonb NOT NULL);
INSERT INTO observation
SELECT 'o' || n, jsonb_build_object('resourceType', 'Observation', 'id', 'o' || n, 'status', CASE n % 1000 WHEN 0 THEN 'amended' ELSE 'final' END,
           'meta', jsonb_build_object('project', 'p' || n % 200, 'tag', jsonb_build_array(jsonb_build_object('system', 'http://t', 'code', 't' || n % 300)), 'account', jsonb_build_object('reference', 'Organization/' || n % 400)),
           'code', jsonb_build_object('coding', jsonb_build_array(jsonb_build_object('system', 'http://loinc.org', 'code', 'c' || n % 500))),
           'subject', jsonb_build_object('reference', 'Patient/' || n % 1000, 'identifier', jsonb_build_object('value', 'i' || n % 700)),
           'performer', jsonb_build_array(jsonb_build_object('reference', 'Practitioner/' || n % 100), jsonb_build_object('reference', 'Patient/' || n % 999)),
           'component', jsonb_build_array(jsonb_build_object('code', jsonb_build_object('coding', jsonb_build_array(jsonb_build_object('code', 'k' || n % 600))), 'valueQuantity', jsonb_build_object('value', n % 50))))
  FROM generate_series(1, 20000) AS n;
INSERT INTO patient
SELECT 'p' || n, jsonb_build_object('resourceType', 'Patient', 'id', 'p' || n, 'active', n % 500 > 0, 'deceasedBoolean', n % 2 = 0, 'telecom', jsonb_build_array(jsonb_build_object('system', 'email', 'value', n || '@x.org')))
  FROM generate_series(1, 20000) AS n;
INSERT INTO bundle
SELECT 'b' || n, jsonb_build_object('resourceType', 'Bundle', 'id', 'b' || n, 'entry', jsonb_build_array(jsonb_build_object('resource', jsonb_build_object('resourceType', 'Composition', 'id', 'c' || n % 5000)), jsonb_build_object('resource', jsonb_build_object('resourceType', 'Composition', 'id', 'c' || n % 4999))))
  FROM generate_series(1, 20000) AS n;
SELECT fhir_access.protect(t::regclass, r) FROM (VALUES ('patient', 'Patient'), ('observation', 'Observation'), ('bundle', 'Bundle')) AS v (t, r) \g /dev/null
ANALYZE;
\pset format unaligned
\pset tuples_only on

-- ---------------------------------------------------------------------------------------------------------------------
-- Ids are found by the table's key: nothing is advised.
SELECT served('Observation?_id=o17');
SELECT served('Observation?_id=o17,o18,o19');

-- One statement for all the others.
SELECT served('Observation?code=c17');
SELECT advised('Observation?code=c17') \gexec
ANALYZE observation;
SELECT served('Observation?code=c17');
SELECT served('Observation?code=http://loinc.org|c17,c18');
SELECT served('Observation?status=amended');
SELECT served('Observation?_tag=http://t|t17');
SELECT served('Observation?_project=p17');
SELECT served('Observation?subject=Patient/17');
SELECT served('Observation?subject=17');
SELECT served('Observation?subject:Patient=17');
SELECT served('Observation?subject:identifier=i17');
SELECT served('Observation?_compartment=Patient/17');
SELECT served('Observation?_compartment=Practitioner/17');
SELECT served('Observation?_compartment=Organization/17');
-- Both parts of a composite in one element: the code narrows, the number filters.
SELECT served('Observation?component-code-value-quantity=k17$17');
-- `|code` (no system) is not containment: the code narrows, the test decides.
SELECT served('Observation?component-code=|k17');
SELECT served('Observation?subject:identifier=|i17');
-- A condition and another: both are asked at once; what no index can answer filters.
SELECT served('Observation?code=c17&subject=Patient/17');
SELECT served('Observation?status=final&status:not=amended&code=c17');

-- Booleans and elements with a fixed member.
SELECT advised('Patient?active=false') \gexec
ANALYZE patient;
SELECT served('Patient?active=false');
SELECT served('Patient?email=17@x.org');
-- Containment cannot tell the first entry of a Bundle from the others; an index on what it refers to can.
SELECT advised('Bundle?composition=c17') \gexec
ANALYZE bundle;
SELECT served('Bundle?composition=c17');

-- ---------------------------------------------------------------------------------------------------------------------
-- What excludes, and what is true of nearly all, is not found by an index.
SELECT served('Observation?code:not=c17');
SELECT served('Observation?subject:missing=true');
SELECT served('Patient?deceased=true');

-- ---------------------------------------------------------------------------------------------------------------------
-- jsonb_ops serves as well as jsonb_path_ops. A partial index does not, nor one that is not valid, nor one on something else.
DROP INDEX observation_resource_idx;
CREATE INDEX ON observation USING gin (resource) WHERE resource ? 'status';
CREATE INDEX ON observation USING gin ((resource -> 'code'));
CREATE INDEX ON observation USING hash (resource);
SELECT served('Observation?code=c17');
DROP INDEX observation_resource_idx, observation_expr_idx, observation_resource_idx1;
CREATE INDEX invalid ON observation USING gin (resource jsonb_path_ops);
UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'invalid'::regclass;
SELECT served('Observation?code=c17');
DROP INDEX invalid;
CREATE INDEX plain ON observation USING gin (resource);
ANALYZE observation;
SELECT served('Observation?code=c17');
