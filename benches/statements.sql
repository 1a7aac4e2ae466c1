-- Synthea's patients, encounters and observations, dealt out to clinics as often as it takes, for `cargo xtask bench statements`.
-- {rows} is how many resources there shall be at the least. Before this, source(kind, id, resource) holds the sample.
--
-- Ten of Synthea's patients with all that is theirs are a clinic: some 1,100 resources. Each clinic is a project of its own, so
-- that what one member may see is as much in a small table as in a large one. Ids are p<clinic>-<n>, e<clinic>-<n>, o<clinic>-<n>.
SET work_mem = '256MB';
SET maintenance_work_mem = '1GB';

CREATE TEMP TABLE source_patient AS
SELECT unit, row_number() OVER (PARTITION BY unit ORDER BY id) AS k, id, resource
  FROM (SELECT (row_number() OVER (ORDER BY id) - 1) / 10 AS unit, id, resource FROM source WHERE kind = 'Patient') AS p;

CREATE TEMP TABLE source_encounter AS
SELECT p.unit, row_number() OVER (PARTITION BY p.unit ORDER BY e.id) AS k, p.k AS patient, e.id, e.resource #>> '{period,start}' AS start, e.resource
  FROM source e JOIN source_patient p ON e.resource #>> '{subject,reference}' = 'Patient/' || p.id
 WHERE e.kind = 'Encounter';

CREATE TEMP TABLE source_observation AS
SELECT e.unit, row_number() OVER (PARTITION BY e.unit ORDER BY o.id) AS k, e.patient, e.k AS encounter, o.resource
  FROM source o JOIN source_encounter e ON o.resource #>> '{encounter,reference}' = 'Encounter/' || e.id
 WHERE o.kind = 'Observation';
CREATE INDEX ON source_observation (unit, encounter);
ANALYZE source_patient, source_encounter, source_observation;

-- As many clinics as hold {rows} resources; all of them the same ones in a smaller table and in a larger one.
CREATE TEMP TABLE clinics AS
WITH units AS (
  SELECT unit, count(*) AS resources
    FROM (SELECT unit FROM source_patient UNION ALL SELECT unit FROM source_encounter UNION ALL SELECT unit FROM source_observation) AS all_of_them
   GROUP BY unit),
numbered AS (
  SELECT n, unit, sum(resources) OVER (ORDER BY n) - resources AS before
    FROM generate_series(1, {rows}) AS n JOIN units ON unit = (n - 1) % (SELECT count(*) FROM units)
   WHERE n < 3 + {rows} / (SELECT avg(resources) / 2 FROM units))
SELECT n::int, unit FROM numbered WHERE before < {rows} OR n <= 2;
CREATE INDEX ON clinics (unit);
ANALYZE clinics;

CREATE TABLE patient (id text NOT NULL, project_id text NOT NULL, resource jsonb NOT NULL);
CREATE TABLE encounter (LIKE patient);
CREATE TABLE observation (LIKE patient);

-- Visits come in the order of time, to all clinics: what belongs to one clinic lies all over the table.
SET enable_hashjoin = off;
SET enable_mergejoin = off;
INSERT INTO patient
SELECT 'p' || n || '-' || k, 'c' || n,
       resource || jsonb_build_object('id', 'p' || n || '-' || k, 'meta', resource -> 'meta' || jsonb_build_object('project', 'c' || n))
  FROM source_patient JOIN clinics USING (unit) ORDER BY k, n;
INSERT INTO encounter
SELECT 'e' || n || '-' || k, 'c' || n,
       resource || jsonb_build_object('id', 'e' || n || '-' || k, 'meta', resource -> 'meta' || jsonb_build_object('project', 'c' || n),
                                      'subject', jsonb_build_object('reference', 'Patient/p' || n || '-' || patient))
  FROM (SELECT * FROM source_encounter ORDER BY start) AS e, LATERAL (SELECT n FROM clinics WHERE unit = e.unit OFFSET 0) AS c;
INSERT INTO observation
SELECT 'o' || n || '-' || o.k, 'c' || n,
       o.resource || jsonb_build_object('id', 'o' || n || '-' || o.k, 'meta', o.resource -> 'meta' || jsonb_build_object('project', 'c' || n),
                                        'subject', jsonb_build_object('reference', 'Patient/p' || n || '-' || o.patient),
                                        'encounter', jsonb_build_object('reference', 'Encounter/e' || n || '-' || o.encounter))
  FROM (SELECT unit, k FROM source_encounter ORDER BY start) AS e, LATERAL (SELECT n FROM clinics WHERE unit = e.unit OFFSET 0) AS c,
       LATERAL (SELECT * FROM source_observation WHERE unit = e.unit AND encounter = e.k OFFSET 0) AS o;
RESET enable_hashjoin;
RESET enable_mergejoin;

-- What is inserted in bulk: a hundred measurements, without a project.
CREATE TABLE incoming AS
SELECT 'i' || row_number() OVER () AS id, resource - 'id' #- '{meta,project}' AS resource
  FROM observation WHERE project_id = 'c2' AND resource @> '{"category": [{"coding": [{"code": "laboratory"}]}]}' LIMIT 100;

ALTER TABLE patient ADD PRIMARY KEY (id);
ALTER TABLE encounter ADD PRIMARY KEY (id);
ALTER TABLE observation ADD PRIMARY KEY (id);
CREATE INDEX ON patient (project_id);
CREATE INDEX ON encounter (project_id);
CREATE INDEX ON observation (project_id, (resource ->> 'effectiveDateTime'), id);
CREATE INDEX ON encounter ((resource #>> '{subject,reference}'));
CREATE INDEX ON observation ((resource #>> '{encounter,reference}'));
CREATE INDEX ON observation USING gin (resource jsonb_path_ops);

DROP TABLE source;
