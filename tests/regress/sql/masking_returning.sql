-- RETURNING of every command, upserts with EXCLUDED, and MERGE: what is returned, and what is computed from the rows that a
-- statement finds, is masked; what is stored stays whole. (RETURNING of MERGE is PostgreSQL 17's, OLD and NEW in RETURNING
-- are 18's.)
\ir prologue.sql
\ir masked_shapes.sql

INSERT INTO shape (query) VALUES
    ('WITH w AS (UPDATE observation SET note = ''w'' RETURNING *) SELECT * FROM w'),
    ('WITH w AS (UPDATE observation o SET note = ''w'' RETURNING o, o.*, o.resource, to_jsonb(o)) SELECT w FROM w'),
    ('WITH w AS (UPDATE observation SET note = value RETURNING note, value, resource ->> ''valueString'', resource::text LIKE ''%CAN_RY%'') SELECT * FROM w'),
    ('WITH w AS (UPDATE observation SET note = resource::text || observation::text RETURNING note) SELECT * FROM w'),
    ('WITH w AS (UPDATE observation o SET note = p.resource ->> ''birthDate'' FROM patient p WHERE p.id = replace(o.id, ''o'', ''p'') RETURNING o.note, o, p, p.resource) SELECT * FROM w'),
    ('WITH w AS (UPDATE observation SET (note, resource) = (SELECT p.resource::text, observation.resource FROM patient p WHERE p.id = replace(observation.id, ''o'', ''p'')) WHERE id < ''o4'' RETURNING *) SELECT * FROM w'),
    ('WITH w AS (UPDATE observation SET note = (SELECT max(value) FROM observation) RETURNING note, (SELECT min(p::text) FROM patient p), (SELECT count(b.value) FROM observation b)) SELECT * FROM w'),
    ('WITH w AS (UPDATE observation SET note = ''found'' WHERE resource ? ''valueString'' OR value > '''' RETURNING id) SELECT * FROM w'),
    ('WITH w AS (UPDATE observation SET note = ''none'' WHERE value IS NULL AND NOT resource ? ''valueString'' RETURNING id) SELECT * FROM w'),
    ('WITH w AS (DELETE FROM observation RETURNING *) SELECT * FROM w'),
    ('WITH w AS (DELETE FROM observation o RETURNING o, o.value, hash_record(o)) SELECT * FROM w'),
    ('WITH w AS (DELETE FROM observation o USING patient p WHERE p.id = replace(o.id, ''o'', ''p'') RETURNING o, p) SELECT * FROM w'),
    ('WITH w AS (DELETE FROM observation WHERE value LIKE ''CAN_RY%'' RETURNING id) SELECT * FROM w'),
    ('WITH w AS (DELETE FROM patient WHERE resource ->> ''birthDate'' < ''Z'' RETURNING id) SELECT * FROM w'),
    ('WITH w AS (INSERT INTO observation (id, resource) SELECT ''n'' || id, resource || jsonb_build_object(''id'', ''n'' || id) FROM observation RETURNING *) SELECT * FROM w'),
    ('WITH w AS (INSERT INTO observation (id, resource) SELECT ''n'' || id, resource || jsonb_build_object(''id'', ''n'' || id) FROM observation RETURNING observation, observation.value) SELECT * FROM w'),
    ('WITH w AS (INSERT INTO observation (id, resource) VALUES (''o1'', ''{"resourceType": "Observation", "id": "o1", "status": "final"}'') ON CONFLICT (id) DO UPDATE SET note = observation.resource::text || excluded.resource::text RETURNING *) SELECT * FROM w'),
    ('WITH w AS (INSERT INTO observation AS o (id, resource) SELECT id, resource FROM observation ON CONFLICT (id) DO UPDATE SET note = coalesce(o.value, excluded.value, ''nothing'') WHERE o.value IS NULL OR excluded.value IS NOT NULL RETURNING o) SELECT * FROM w'),
    ('WITH w AS (INSERT INTO observation AS o (id, resource) SELECT id, resource FROM observation ON CONFLICT (id) DO UPDATE SET note = ''found'' WHERE o.resource::text LIKE ''%CAN_RY%'' OR o::text LIKE ''%CAN_RY%'' RETURNING o.id) SELECT * FROM w'),
    ('WITH w AS (INSERT INTO observation AS o (id, resource) SELECT id, resource FROM observation ON CONFLICT (id) DO UPDATE SET note = (SELECT o::text || excluded::text) RETURNING o.note) SELECT * FROM w'),
    ('WITH w AS (INSERT INTO observation (id, resource) SELECT id, resource FROM observation ON CONFLICT DO NOTHING RETURNING id) SELECT count(*) FROM w'),
    ('WITH w AS (INSERT INTO patient SELECT id, resource FROM patient ON CONFLICT (id) DO UPDATE SET resource = patient.resource || ''{"active": true}'' RETURNING patient) SELECT * FROM w');
\ir masked_verdicts.sql

-- What a writer sends for hidden fields is neither stored nor returned; what was stored is not returned either.
SET fhir_access.membership = 'desk';
INSERT INTO observation (id, resource) VALUES ('n', '{"resourceType": "Observation", "id": "n", "status": "final", "valueString": "mine", "subject": {"display": "mine"}}') RETURNING *, value IS NULL AS none;
UPDATE observation SET resource = resource || '{"valueString": "mine"}' WHERE id = 'o1' RETURNING *;
INSERT INTO observation (id, resource) VALUES ('o2', '{"resourceType": "Observation", "id": "o2", "status": "final", "valueString": "mine"}')
    ON CONFLICT (id) DO UPDATE SET resource = excluded.resource || jsonb_build_object('device', jsonb_build_object('display', coalesce(excluded.value, observation.value, 'none'))) RETURNING *;
DELETE FROM observation WHERE id = 'n' RETURNING observation;

-- MERGE: into a protected table and out of one; what conditions and actions read of both is masked.
MERGE INTO observation o USING observation s ON o.id = s.id AND s.resource::text LIKE '%CAN_RY%' WHEN MATCHED THEN UPDATE SET note = 'found';
MERGE INTO observation o USING (VALUES ('o1'), ('o2'), ('n')) s (id) ON o.id = s.id
    WHEN MATCHED AND o.value LIKE 'CAN_RY%' THEN UPDATE SET note = 'found'
    WHEN MATCHED AND o.resource ? 'valueString' THEN DELETE
    WHEN MATCHED AND o.id = 'o1' THEN UPDATE SET note = o::text || (SELECT p::text FROM patient p WHERE p.id = 'p1')
    WHEN MATCHED THEN UPDATE SET resource = o.resource || '{"device": {"display": "merged"}}'
    WHEN NOT MATCHED THEN INSERT (id, resource, note) VALUES (s.id, '{"resourceType": "Observation", "id": "n", "status": "final", "valueString": "mine"}', (SELECT max(value) FROM observation));
SELECT id, note, resource -> 'device' AS device FROM observation WHERE note <> 'none' OR resource ? 'device' OR id = 'n' ORDER BY id;
CREATE TEMP TABLE mine (id text, t text);
MERGE INTO mine m USING observation o ON m.id = o.id AND m.t = o.value WHEN NOT MATCHED THEN INSERT VALUES (o.id, o::text || coalesce(o.value, 'none'));
MERGE INTO mine m USING (SELECT o, o.id FROM observation o) s ON m.id = s.id WHEN MATCHED AND (s.o).value IS NULL THEN UPDATE SET t = m.t || (s.o).resource::text WHEN MATCHED THEN DELETE;
SELECT count(*), count(*) FILTER (WHERE t LIKE '%CAN_RY%') AS leaks FROM mine;

-- Through a view that has INSTEAD OF triggers or a rule, see masking_rules_triggers. What is stored:
\c - loader
SELECT id, value, resource #>> '{subject,display}' AS display, resource -> 'device' AS device FROM observation ORDER BY id;
