-- Bundles and Parameters are made of resources of other types: of each is hidden what the session's entries hide of its type, whichever
-- of them that is, since what is no row is granted by none of them. Every hidden value contains CANARY.
\ir prologue.sql

CREATE TABLE bundle (id text PRIMARY KEY, resource jsonb NOT NULL, kind text GENERATED ALWAYS AS (resource ->> 'type') STORED, first_name text, kind_again text);
CREATE TABLE parameters (id text PRIMARY KEY, resource jsonb NOT NULL);
CREATE TABLE resource (resource_type text NOT NULL, id text NOT NULL, resource jsonb NOT NULL, PRIMARY KEY (resource_type, id));
CREATE TABLE bundle_history (id text NOT NULL, resource jsonb NOT NULL);
SELECT fhir_access.protect('bundle', 'Bundle', derived_columns => '{"kind": "type", "kind_again": "type", "first_name": "entry.resource.name"}'),
       fhir_access.protect('parameters', 'Parameters'), fhir_access.protect('resource', resource_type_column => 'resource_type'),
       fhir_access.protect('bundle_history', 'Bundle', history_of => 'bundle');

INSERT INTO fhir_access.access_policy (resource) VALUES ('{"resourceType": "AccessPolicy", "id": "desk", "resource": [
    {"resourceType": "Patient", "criteria": "Patient?active=true", "hiddenFields": ["name"]},
    {"resourceType": "Patient", "criteria": "Patient?active=false", "hiddenFields": ["telecom"]},
    {"resourceType": "Patient", "interaction": ["read"], "hiddenFields": ["birthDate"]},
    {"resourceType": "OperationOutcome", "hiddenFields": ["issue.diagnostics"]},
    {"resourceType": "Bundle"}, {"resourceType": "Parameters"}, {"resourceType": "Group"}]}'),
('{"resourceType": "AccessPolicy", "id": "bundles", "resource": [{"resourceType": "Bundle", "hiddenFields": ["entry.fullUrl"]}]}');
INSERT INTO fhir_access.project_membership (resource)
SELECT format('{"resourceType": "ProjectMembership", "id": "%s", "accessPolicy": {"reference": "AccessPolicy/%s"}}', id, id)::jsonb FROM unnest('{desk,bundles}'::text[]) id;

INSERT INTO bundle (id, resource, first_name, kind_again) VALUES ('b', '{"resourceType": "Bundle", "id": "b", "type": "collection", "entry": [
    {"fullUrl": "urn:1", "resource": {"resourceType": "Patient", "id": "1", "birthDate": "1970-01-01", "name": [{"family": "CANARY"}], "telecom": [{"value": "CANARY"}]}},
    {"fullUrl": "urn:2", "resource": {"resourceType": "Group", "id": "2", "name": "seen", "contained": [{"resourceType": "Patient", "id": "3", "name": "CANARY"}]},
     "response": {"status": "200", "outcome": {"resourceType": "OperationOutcome", "issue": [{"code": "login", "diagnostics": "CANARY"}]}}},
    {"resource": {"resourceType": "Bundle", "id": "4", "entry": [{"resource": {"resourceType": "Patient", "id": "5", "name": "CANARY", "gender": "male"}}]}},
    {"resource": {"name": "CANARY", "telecom": "CANARY", "issue": {"diagnostics": "CANARY", "code": "seen"}}}]}', 'CANARY', 'collection');
INSERT INTO parameters VALUES ('p', '{"resourceType": "Parameters", "id": "p", "parameter": [
    {"name": "seen", "resource": {"resourceType": "Patient", "id": "1", "name": "CANARY", "gender": "male"}},
    {"name": "seen", "part": [{"name": "seen", "part": [{"name": "seen", "resource": {"resourceType": "Patient", "telecom": "CANARY"}}]}]}]}');
INSERT INTO resource SELECT 'Bundle', id, resource FROM bundle UNION ALL SELECT 'Parameters', id, resource FROM parameters
    UNION ALL SELECT 'Group', 'g', '{"resourceType": "Group", "id": "g", "name": "seen", "contained": [{"resourceType": "Patient", "name": "seen"}]}';
INSERT INTO bundle_history SELECT id, resource FROM bundle;

\c - app
SET fhir_access.membership = 'desk';
SELECT jsonb_pretty(resource) FROM bundle;
SELECT jsonb_pretty(resource) FROM parameters;
SELECT id, kind, kind_again, first_name FROM bundle;
-- In tables of all types, histories, whole rows.
SELECT resource_type, count(*) FROM resource r WHERE r::text LIKE '%CANARY%' OR resource::text LIKE '%CANARY%' GROUP BY 1;
SELECT count(*) FROM bundle_history h WHERE h::text LIKE '%CANARY%';
SELECT count(*) FROM bundle b WHERE b::text LIKE '%CANARY%' OR row_to_json(b)::text LIKE '%CANARY%';
SELECT resource FROM resource WHERE resource_type = 'Group';
-- By read(): what the entries hide that grant read.
SELECT fhir_access.read('Bundle', 'b') #> '{entry,0,resource}' AS patient;
-- explain() shows what the entry itself hides.
SELECT hidden_fields FROM fhir_access.explain('Bundle');
-- Without an entry for Patient nothing of it is hidden: grant Bundles where all that is in them may be read.
SET fhir_access.membership = 'bundles';
SELECT resource #>> '{entry,0,fullUrl}' AS url, resource #>> '{entry,0,resource,gender}' AS gender, resource #>> '{entry,0,resource,birthDate}' AS born FROM bundle;

-- On write: entries are known by the resource that they hold. New ones before, moved ones, others in their place.
SET fhir_access.membership = 'desk';
UPDATE bundle SET resource = jsonb_set(resource, '{entry}', jsonb_build_array(
    '{"resource": {"resourceType": "Patient", "id": "6", "name": "dropped", "gender": "male"}}'::jsonb,
    resource #> '{entry,2}', resource #> '{entry,1}',
    jsonb_set(resource #> '{entry,0}', '{resource,id}', '"7"'), resource #> '{entry,3}'));
SELECT count(*) FROM bundle WHERE resource::text LIKE '%CANARY%';
-- A resource of another kind in the place of a single one: the stored one stays.
UPDATE parameters SET resource = jsonb_set(resource, '{parameter,0,resource}', '{"resourceType": "Group", "id": "1"}');
INSERT INTO bundle (id, resource) VALUES ('new', '{"resourceType": "Bundle", "id": "new", "entry": [{"resource": {"resourceType": "Patient", "id": "1", "name": "dropped", "gender": "male"}}]}')
    RETURNING resource;
\c - postgres
SELECT jsonb_pretty(resource) FROM bundle WHERE id = 'b';
SELECT resource #> '{parameter,0}' AS parameter FROM parameters;
SELECT resource FROM bundle WHERE id = 'new';
