-- Guide "Hidden elements": Patient.name and Patient.address are not in any result, cannot be used to find out, and are
-- not lost by an update of somebody who never saw them.
\ir prologue.sql

CREATE TABLE patient (id text PRIMARY KEY, resource jsonb NOT NULL);
INSERT INTO patient VALUES
    ('homer', '{"resourceType": "Patient", "id": "homer", "gender": "male", "_name": [{"id": "n1"}],
                "name": [{"family": "Simpson", "given": ["Homer"]}], "address": [{"city": "Springfield"}]}'),
    ('ned', '{"resourceType": "Patient", "id": "ned", "gender": "male", "name": [{"family": "Flanders"}]}'),
    ('baby', '{"resourceType": "Patient", "id": "baby", "gender": "female"}');
SELECT fhir_access.protect('patient', 'Patient');

-- The document of the guide, with an id. The warning tells where else a name may stand.
INSERT INTO fhir_access.access_policy (resource) VALUES ('{
  "resourceType": "AccessPolicy",
  "id": "hidden-fields",
  "name": "Patient Example",
  "resource": [
    {
      "resourceType": "Patient",
      "hiddenFields": ["name", "address"]
    }
  ]
}');
INSERT INTO fhir_access.project_membership (resource) VALUES ('{
  "resourceType": "ProjectMembership",
  "id": "m1",
  "accessPolicy": {"reference": "AccessPolicy/hidden-fields"}
}');

\c - app
SET fhir_access.membership = 'm1';

-- Not in a result, however it is asked for.
SELECT * FROM patient ORDER BY id;
SELECT to_jsonb(p) AS row FROM patient p WHERE id = 'homer';
COPY (SELECT resource FROM patient ORDER BY id) TO STDOUT;

-- Not to be found out: nobody has a name.
SELECT id FROM patient WHERE resource @> '{"name": [{"family": "Simpson"}]}';
SELECT id FROM patient WHERE resource -> 'name' IS NOT NULL;
SELECT max(resource #>> '{name,0,family}') AS family FROM patient;
SELECT id FROM patient ORDER BY resource #>> '{name,0,family}' DESC, id;

-- An update that does not know them keeps them; one that sets them changes nothing in them.
UPDATE patient SET resource = resource || '{"active": true}' RETURNING resource;
UPDATE patient SET resource = resource || '{"name": [{"family": "X"}]}' WHERE id = 'ned' RETURNING resource;
INSERT INTO patient VALUES ('moe', '{"resourceType": "Patient", "id": "moe", "name": [{"family": "Szyslak"}]}') RETURNING resource;

\c - postgres
SELECT id, resource -> 'name' AS name, resource -> 'address' AS address, resource -> 'active' AS active FROM patient ORDER BY id;
