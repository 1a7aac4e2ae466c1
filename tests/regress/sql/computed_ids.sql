-- Ids that the table computes, in whatever way: which entry decides a write is told by the id that the row has or will have, as
-- reads tell it, not by the document's own id.
\ir prologue.sql
CREATE TABLE basic (id text GENERATED ALWAYS AS (lower(resource ->> 'id')) STORED PRIMARY KEY, resource jsonb NOT NULL);
CREATE TABLE flag (id int GENERATED ALWAYS AS ((resource ->> 'id')::int) STORED PRIMARY KEY, resource jsonb NOT NULL);
CREATE TABLE list (id varchar(3) GENERATED ALWAYS AS ((resource ->> 'id')::varchar(3)) STORED PRIMARY KEY, resource jsonb NOT NULL);
CREATE TABLE group_by_key (id text GENERATED ALWAYS AS (resource #>> '{identifier,0,value}') STORED PRIMARY KEY, resource jsonb NOT NULL);
SELECT fhir_access.protect('basic', 'Basic'), fhir_access.protect('flag', 'Flag'), fhir_access.protect('list', 'List'), fhir_access.protect('group_by_key', 'Group');
INSERT INTO basic (resource) VALUES ('{"resourceType": "Basic", "id": "ABC", "author": {"display": "stored"}}'), ('{"resourceType": "Basic", "id": "x", "author": {"display": "stored"}}');
INSERT INTO flag (resource) VALUES ('{"resourceType": "Flag", "id": "007", "author": {"display": "stored"}}'), ('{"resourceType": "Flag", "id": "8", "author": {"display": "stored"}}');
INSERT INTO list (resource) VALUES ('{"resourceType": "List", "id": "abcdef", "source": {"display": "stored"}}'), ('{"resourceType": "List", "id": "x", "source": {"display": "stored"}}');
INSERT INTO group_by_key (resource) VALUES ('{"resourceType": "Group", "id": "1", "identifier": [{"value": "k"}], "name": "stored"}'),
                                           ('{"resourceType": "Group", "id": "2", "identifier": [{"value": "x"}], "name": "stored"}');
INSERT INTO fhir_access.access_policy (resource) VALUES ('{
  "resourceType": "AccessPolicy", "id": "ids",
  "resource": [
    {"resourceType": "Basic", "criteria": "Basic?_id=abc", "hiddenFields": ["author"]}, {"resourceType": "Basic"},
    {"resourceType": "Flag", "criteria": "Flag?_id=7", "hiddenFields": ["author"]}, {"resourceType": "Flag"},
    {"resourceType": "List", "criteria": "List?_id=abc", "hiddenFields": ["source"]}, {"resourceType": "List"},
    {"resourceType": "Group", "criteria": "Group?_id=k", "hiddenFields": ["name"]}, {"resourceType": "Group"}]}');
INSERT INTO fhir_access.project_membership (resource) VALUES
  ('{"resourceType": "ProjectMembership", "id": "ids", "accessPolicy": {"reference": "AccessPolicy/ids"}}');

-- What is hidden is neither lost nor changed by who reads and writes back, or sends another value.
\c - app
SET fhir_access.membership = 'ids';
UPDATE basic SET resource = resource || '{"author": {"display": "sent"}}' RETURNING id, resource -> 'author' AS author;
UPDATE flag SET resource = resource || '{"author": {"display": "sent"}}' RETURNING id, resource -> 'author' AS author;
UPDATE list SET resource = resource || '{"source": {"display": "sent"}}' RETURNING id, resource -> 'source' AS source;
UPDATE group_by_key SET resource = resource || '{"name": "sent"}' RETURNING id, resource -> 'name' AS name;
-- Nor does a new row bring it.
INSERT INTO basic (resource) VALUES ('{"resourceType": "Basic", "id": "ABC", "author": {"display": "sent"}}') ON CONFLICT (id) DO UPDATE SET resource = excluded.resource RETURNING id;
DELETE FROM flag WHERE id = 7;
INSERT INTO flag (resource) VALUES ('{"resourceType": "Flag", "id": "07", "author": {"display": "sent"}}'), ('{"resourceType": "Flag", "id": "9", "author": {"display": "sent"}}') RETURNING id;
INSERT INTO flag (resource) VALUES ('{"resourceType": "Flag", "id": "nine"}');
-- A resource does not become another one by what its id is made of.
UPDATE group_by_key SET resource = resource || '{"identifier": [{"value": "y"}]}' WHERE id = 'x';
UPDATE group_by_key SET resource = resource - 'identifier' WHERE id = 'x';
UPDATE group_by_key SET resource = resource || '{"identifier": [{"value": "x"}, {"value": "y"}]}' WHERE id = 'x' RETURNING id;
\c - postgres
SELECT id, resource ->> 'id' AS document, resource #>> '{author,display}' AS author FROM basic ORDER BY 1;
SELECT id, resource ->> 'id' AS document, resource #>> '{author,display}' AS author FROM flag ORDER BY 1;
SELECT id, resource ->> 'id' AS document, resource #>> '{source,display}' AS source FROM list ORDER BY 1;
SELECT id, resource ->> 'id' AS document, resource ->> 'name' AS name FROM group_by_key ORDER BY 1;
