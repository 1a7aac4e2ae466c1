-- fhir_access.hide_narrative: the narrative (text) may say in words what is hidden. With the setting on it is one more hidden field
-- of each entry that hides something, and of the resources inside such rows. Every hidden value contains CANARY.
\ir prologue.sql

CREATE TABLE patient (id text PRIMARY KEY, resource jsonb NOT NULL, narrative text, note text);
CREATE TABLE bundle (id text PRIMARY KEY, resource jsonb NOT NULL);
SELECT fhir_access.protect('patient', 'Patient', derived_columns => '{"narrative": "text.div"}'), fhir_access.protect('bundle', 'Bundle');
INSERT INTO fhir_access.access_policy (resource) VALUES ('{"resourceType": "AccessPolicy", "id": "desk", "resource": [
    {"resourceType": "Patient", "criteria": "Patient?active=true", "hiddenFields": ["name"]},
    {"resourceType": "Patient"}, {"resourceType": "Bundle"}]}');
INSERT INTO fhir_access.project_membership (resource) VALUES
('{"resourceType": "ProjectMembership", "id": "m", "accessPolicy": {"reference": "AccessPolicy/desk"}}');
INSERT INTO patient VALUES
('ann', '{"resourceType": "Patient", "id": "ann", "active": true, "name": [{"family": "CANARY"}], "text": {"status": "generated", "div": "<div>CANARY</div>"},
          "contact": [{"text": "seen"}], "contained": [{"resourceType": "Group", "id": "g", "text": {"div": "<div>CANARY</div>"}, "name": "seen"}]}', '<div>CANARY</div>', 'seen'),
('bob', '{"resourceType": "Patient", "id": "bob", "text": {"status": "generated", "div": "<div>seen</div>"}, "name": [{"family": "seen"}]}', '<div>seen</div>', 'seen');
INSERT INTO bundle VALUES ('b', '{"resourceType": "Bundle", "id": "b", "entry": [
    {"resource": {"resourceType": "Patient", "id": "ann", "name": "CANARY", "text": {"div": "<div>CANARY</div>"}}},
    {"resource": {"resourceType": "Observation", "id": "o", "status": "final", "text": {"div": "<div>of CANARY</div>"}}}]}');

\c - app
-- Readers cannot switch it.
SET fhir_access.hide_narrative = off;
\! PGOPTIONS="-c fhir_access.hide_narrative=off" psql -X -A -t -U app -c "SELECT 1" 2>&1 | sed 's/.*\(FATAL\)/\1/'
SET fhir_access.membership = 'm';
PREPARE reading AS SELECT id, resource, narrative, note FROM patient ORDER BY id;
EXECUTE reading;

\c - postgres
ALTER DATABASE :DBNAME SET fhir_access.hide_narrative = on;
\c - app
SHOW fhir_access.hide_narrative;
SET fhir_access.membership = 'm';
PREPARE reading AS SELECT id, resource, narrative, note FROM patient ORDER BY id;
EXECUTE reading;
SELECT resource FROM bundle;
SELECT hidden_fields FROM fhir_access.explain('Patient');
SELECT fhir_access.read('Patient', 'ann') ? 'text' AS hidden, fhir_access.read('Patient', 'bob') ? 'text' AS shown;
SELECT count(*) FROM patient p WHERE p::text LIKE '%CANARY%' OR resource #>> '{text,div}' LIKE '%CANARY%';

-- A write leaves it as it is stored; a new resource gets none from who cannot see it.
UPDATE patient SET resource = resource || '{"gender": "female"}';
UPDATE patient SET resource = resource || '{"text": {"status": "empty", "div": "<div>mine</div>"}}' WHERE id = 'ann';
UPDATE bundle SET resource = jsonb_set(resource, '{entry,1,resource,status}', '"amended"');
INSERT INTO patient (id, resource) VALUES ('cid', '{"resourceType": "Patient", "id": "cid", "active": true, "text": {"status": "empty", "div": "<div>mine</div>"}}'),
    ('dan', '{"resourceType": "Patient", "id": "dan", "text": {"status": "empty", "div": "<div>mine</div>"}}');

-- Cached plans, and a cursor, follow the setting.
\c - postgres
SELECT id, resource FROM patient ORDER BY id;
SELECT resource FROM bundle;
SET ROLE app;
SET fhir_access.membership = 'm';
PREPARE texts AS SELECT id FROM patient WHERE resource ? 'text' ORDER BY id;
SET plan_cache_mode = force_generic_plan;
EXECUTE texts;
RESET ROLE;
SET fhir_access.hide_narrative = off;
SET ROLE app;
EXECUTE texts;
BEGIN;
DECLARE c CURSOR FOR SELECT resource FROM patient ORDER BY id;
RESET ROLE;
SET LOCAL fhir_access.hide_narrative = on;
SET ROLE app;
FETCH c;
ROLLBACK;
RESET ROLE;
ALTER DATABASE :DBNAME RESET fhir_access.hide_narrative;
