-- Guide "Read-only elements": Patient.name and Patient.address are seen, and stay as they are whatever is written.
\ir prologue.sql

CREATE TABLE patient (id text PRIMARY KEY, resource jsonb NOT NULL);
INSERT INTO patient VALUES
    ('homer', '{"resourceType": "Patient", "id": "homer", "gender": "male",
                "name": [{"family": "Simpson", "given": ["Homer", "Jay"]}],
                "address": [{"city": "Springfield", "line": ["742 Evergreen Terrace"]}]}'),
    ('baby', '{"resourceType": "Patient", "id": "baby", "gender": "female"}');
SELECT fhir_access.protect('patient', 'Patient');

-- The document of the guide, with an id.
INSERT INTO fhir_access.access_policy (resource) VALUES ('{
  "resourceType": "AccessPolicy",
  "id": "readonly-fields",
  "name": "Patient Example",
  "resource": [
    {
      "resourceType": "Patient",
      "readonlyFields": ["name", "address"]
    }
  ]
}');
INSERT INTO fhir_access.project_membership (resource) VALUES ('{
  "resourceType": "ProjectMembership",
  "id": "m1",
  "accessPolicy": {"reference": "AccessPolicy/readonly-fields"}
}');

\c - app
SET fhir_access.membership = 'm1';

-- They can be read and searched for.
SELECT id, resource -> 'name' AS name, resource -> 'address' AS address FROM patient ORDER BY id;
SELECT id FROM patient WHERE resource @> '{"name": [{"family": "Simpson"}]}';

-- Changing them, or leaving them out, puts the stored values back; the rest of the update holds.
UPDATE patient SET resource = '{"resourceType": "Patient", "id": "homer", "gender": "other", "name": [{"family": "X"}]}'
 WHERE id = 'homer' RETURNING jsonb_pretty(resource) AS resource;

-- Where there was none, none comes.
UPDATE patient SET resource = resource || '{"active": true, "name": [{"family": "Simpson", "given": ["Maggie"]}]}'
 WHERE id = 'baby' RETURNING resource;

-- A new patient is created without them.
INSERT INTO patient VALUES ('moe', '{"resourceType": "Patient", "id": "moe", "gender": "male",
                                     "name": [{"family": "Szyslak"}], "address": [{"city": "Springfield"}]}')
RETURNING resource;
DELETE FROM patient WHERE id = 'moe' RETURNING id;

\c - postgres
SELECT id, resource ->> 'gender' AS gender, resource -> 'name' AS name FROM patient ORDER BY id;
