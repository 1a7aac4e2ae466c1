-- extension('url') hides the extensions with this URL where it stands: of the resource, of an element, of a primitive, of another
-- extension, and parts of them. Other extensions stay. Every hidden value contains CANARY.
\ir prologue.sql

CREATE TABLE patient (id text PRIMARY KEY, resource jsonb NOT NULL, race text, sex text);
SELECT fhir_access.protect('patient', 'Patient', derived_columns => $$ {"race": "extension('http://example.org/race')", "sex": "extension('http://example.org/sex').valueCode"} $$);
SELECT fhir_access.protect('patient', 'Patient', derived_columns => $$ {"race": "extension(http://example.org/race)"} $$);
SELECT fhir_access.protect('patient', 'Patient', derived_columns => $$ {"race": "extension('http://example.org/race').valueColour"} $$);

-- What is no such path is refused.
SELECT severity, path, message FROM fhir_access.validate('{"resourceType": "AccessPolicy", "resource": [{"resourceType": "Patient", "readonlyFields":
    ["extension(http://example.org/race)", "extension('''')", "name(''u'')", "extension(''a'').extension(''b'').valueCode", "birthDate.extension(''u'')", "extension(''u'').valu"]}]}');

INSERT INTO fhir_access.access_policy (resource) VALUES ($$ {"resourceType": "AccessPolicy", "id": "desk", "resource": [{"resourceType": "Patient", "hiddenFields": [
    "extension('http://example.org/race')", "extension('http://example.org/sex').valueCode.extension('why')", "extension('http://example.org/nested').extension('inner')",
    "name.extension('http://example.org/origin')", "name.given.extension('http://example.org/a,b.c')", "birthDate.extension('http://example.org/time')",
    "modifierExtension('http://example.org/race')"], "readonlyFields": ["extension('http://example.org/vip')"]}]} $$);
INSERT INTO fhir_access.project_membership (resource) VALUES
('{"resourceType": "ProjectMembership", "id": "m", "accessPolicy": {"reference": "AccessPolicy/desk"}}');

INSERT INTO patient VALUES
('ann', '{"resourceType": "Patient", "id": "ann", "birthDate": "1970-01-01",
    "_birthDate": {"extension": [{"url": "http://example.org/time", "valueTime": "CANARY"}]},
    "extension": [{"url": "http://example.org/race", "valueCode": "CANARY"}, {"url": "http://example.org/vip", "valueBoolean": true},
                  {"url": "http://example.org/sex", "valueCode": "F", "_valueCode": {"extension": [{"url": "why", "valueString": "CANARY"}, {"url": "how"}]}},
                  {"url": "http://example.org/nested", "extension": [{"url": "inner", "valueString": "CANARY"}, {"url": "outer"}]},
                  {"url": "http://example.org/race", "valueCode": "CANARY"}, {"url": "http://example.org/race/other", "valueCode": "seen"}],
    "modifierExtension": [{"url": "http://example.org/race", "valueCode": "CANARY"}],
    "name": [{"family": "A", "extension": [{"url": "http://example.org/origin", "valueString": "CANARY"}, {"url": "http://example.org/race", "valueString": "seen"}],
              "given": ["B", "C"], "_given": [null, {"extension": [{"url": "http://example.org/a,b.c", "valueString": "CANARY"}, {"url": "a"}]}]}]}', 'CANARY', 'F'),
-- One alone, one in an array in an array, ones without a URL or with another kind of it.
('bob', '{"resourceType": "Patient", "id": "bob", "extension": {"url": "http://example.org/race", "valueCode": "CANARY"},
    "modifierExtension": [[{"url": "http://example.org/race", "valueCode": "CANARY"}], {"uri": "http://example.org/race"}, {"url": ["http://example.org/race"]}, 5]}', 'CANARY', NULL),
('cid', '{"resourceType": "Patient", "id": "cid", "extension": []}', NULL, 'M');

\c - app
SET fhir_access.membership = 'm';
SELECT id, resource FROM patient ORDER BY id;
SELECT id, race, sex FROM patient ORDER BY id;
SELECT p FROM patient p WHERE id = 'bob';
SELECT hidden_fields, readonly_fields FROM fhir_access.explain('Patient');
SELECT count(*) FROM patient p WHERE p::text LIKE '%CANARY%' OR resource::text LIKE '%CANARY%' OR race LIKE '%CANARY%';
SELECT count(*) FROM patient WHERE resource @> '{"extension": [{"url": "http://example.org/race"}]}' OR resource @? '$.**.url ? (@ == "http://example.org/time")';

-- Written back as it was read it is as it was; what is edited around them keeps their places.
UPDATE patient SET resource = resource;
\c - postgres
SELECT count(*) FROM patient WHERE resource::text LIKE '%CANARY%';
SELECT jsonb_path_query_array(resource, '$.extension[*].url') AS urls FROM patient WHERE id = 'ann';
\c - app
SET fhir_access.membership = 'm';
UPDATE patient SET resource = jsonb_set(resource, '{extension}', '[{"url": "first"}]' || (resource -> 'extension') || '[{"url": "http://example.org/race", "valueCode": "mine"}, {"url": "http://example.org/vip", "valueBoolean": false}]') WHERE id = 'ann';
UPDATE patient SET resource = resource - 'modifierExtension' - '_birthDate' WHERE id = 'ann';
-- Under another URL a part of an extension would be seen: it stays where it was.
UPDATE patient SET resource = replace(resource::text, 'http://example.org/nested', 'http://example.org/open')::jsonb WHERE id = 'ann';
SELECT count(*) FROM patient p WHERE p::text LIKE '%CANARY%';
INSERT INTO patient (id, resource, race) VALUES ('dan', '{"resourceType": "Patient", "id": "dan", "extension": [{"url": "http://example.org/race", "valueCode": "mine"}, {"url": "http://example.org/vip"}]}', 'mine');
SET fhir_access.readonly_violation = 'error';
UPDATE patient SET resource = jsonb_set(resource, '{extension}', '[{"url": "http://example.org/race", "valueCode": "CANARY"}]') WHERE id = 'bob';
UPDATE patient SET resource = jsonb_insert(resource, '{extension,0}', '{"url": "http://example.org/vip"}') WHERE id = 'ann';
UPDATE patient SET resource = jsonb_insert(resource, '{extension,0}', '{"url": "zeroth"}') WHERE id = 'ann';
\c - postgres
SELECT id, race, jsonb_pretty(resource) FROM patient WHERE id IN ('ann', 'dan') ORDER BY id;
