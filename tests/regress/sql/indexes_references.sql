-- References that are not written plainly: an index on what references refer to, fhir_access.targets(), finds them, and an
-- index on the document does not.
\ir prologue.sql
\ir granted.sql
\ir indexes.sql

CREATE TABLE observation (id text PRIMARY KEY, resource jsonb NOT NULL);
INSERT INTO observation
SELECT 'o' || n, jsonb_build_object('resourceType', 'Observation', 'id', 'o' || n, 'status', 'final', 'subject', jsonb_build_object('reference', 'Patient/' || n % 2000),
           'code', jsonb_build_object('coding', jsonb_build_array(jsonb_build_object('code', 'c' || n % 500))))
  FROM generate_series(1, 20000) AS n;
SELECT fhir_access.protect('observation', 'Observation') \g /dev/null
CREATE INDEX ON observation USING gin (resource jsonb_path_ops);
ANALYZE observation;
\pset format unaligned
\pset tuples_only on

-- ---------------------------------------------------------------------------------------------------------------------
-- While all references are Type/id, containment finds them.
SELECT served('Observation?subject=Patient/17');
-- A stored version: containment would miss it, so from now on each row is tested, and the index on the targets is advised.
INSERT INTO observation VALUES ('version', '{"resourceType": "Observation", "id": "version", "subject": {"reference": "Patient/17/_history/2"}}');
SELECT irregular_references FROM fhir_access.protected_relation;
SELECT served('Observation?subject=Patient/17');
SELECT advised('Observation?subject=Patient/17') \gexec
ANALYZE observation;
SELECT served('Observation?subject=Patient/17');
SELECT served('Observation?subject=17');
SELECT served('Observation?subject=Patient/17,Patient/18,Group/x,http://example.org/fhir/Patient/17');
-- Each set of elements has its own.
SELECT served('Observation?patient=Patient/17');
SELECT served('Observation?performer=Patient/17');
SELECT advised('Observation?_compartment=Patient/17') \gexec
ANALYZE observation;
SELECT served('Observation?_compartment=Patient/17');
-- Other equalities go on as before.
SELECT served('Observation?code=c17');
