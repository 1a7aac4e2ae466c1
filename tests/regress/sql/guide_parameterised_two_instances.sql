-- Guide "Parameterized policies": `%profile`, and one policy that a membership has twice, for two organizations.
\ir prologue.sql

CREATE TABLE patient (id text PRIMARY KEY, resource jsonb NOT NULL);
CREATE TABLE diagnostic_report (id text PRIMARY KEY, resource jsonb NOT NULL);
INSERT INTO patient VALUES
    ('a', '{"resourceType": "Patient", "id": "a", "managingOrganization": {"reference": "Organization/abc"},
            "generalPractitioner": [{"reference": "Practitioner/hibbert"}]}'),
    ('d', '{"resourceType": "Patient", "id": "d", "managingOrganization": {"reference": "Organization/def"}}'),
    ('z', '{"resourceType": "Patient", "id": "z", "managingOrganization": {"reference": "Organization/xyz"},
            "generalPractitioner": [{"reference": "Practitioner/nick"}, {"reference": "Practitioner/hibbert"}]}');
INSERT INTO diagnostic_report VALUES
    ('ra', '{"resourceType": "DiagnosticReport", "id": "ra", "performer": [{"reference": "Organization/abc"}]}'),
    ('rd', '{"resourceType": "DiagnosticReport", "id": "rd", "performer": [{"reference": "Practitioner/nick"}, {"reference": "Organization/def"}]}'),
    ('rz', '{"resourceType": "DiagnosticReport", "id": "rz", "performer": [{"reference": "Organization/xyz"}]}');
SELECT fhir_access.protect('patient', 'Patient'), fhir_access.protect('diagnostic_report', 'DiagnosticReport');

-- The two policies of the guide; the first with an id.
INSERT INTO fhir_access.access_policy (resource) VALUES ('{
  "resourceType": "AccessPolicy",
  "id": "gp",
  "name": "GP Access Policy",
  "resource": [
    {
      "resourceType": "Patient",
      "criteria": "Patient?general-practitioner=%profile"
    }
  ]
}'), ('{
  "resourceType": "AccessPolicy",
  "id": "123",
  "name": "Parameterized Access Policy",
  "resource": [
    {
      "resourceType": "Patient",
      "criteria": "Patient?organization=%provider_organization"
    },
    {
      "resourceType": "DiagnosticReport",
      "criteria": "DiagnosticReport?performer=%provider_organization"
    }
  ]
}');

-- The membership of the guide, with an id and without its comments; two practitioners; and one who forgot the parameter.
INSERT INTO fhir_access.project_membership (resource) VALUES ('{
  "resourceType": "ProjectMembership",
  "id": "two-organizations",
  "access": [
    {
      "policy": { "reference": "AccessPolicy/123" },
      "parameter": [
        {
          "name": "provider_organization",
          "valueReference": { "reference": "Organization/abc" }
        }
      ]
    },
    {
      "policy": { "reference": "AccessPolicy/123" },
      "parameter": [
        {
          "name": "provider_organization",
          "valueReference": { "reference": "Organization/def" }
        }
      ]
    }
  ]
}'),
('{"resourceType": "ProjectMembership", "id": "hibbert", "profile": {"reference": "Practitioner/hibbert"},
   "accessPolicy": {"reference": "AccessPolicy/gp"}}'),
('{"resourceType": "ProjectMembership", "id": "nick", "profile": {"reference": "Practitioner/nick"},
   "accessPolicy": {"reference": "AccessPolicy/gp"}}'),
('{"resourceType": "ProjectMembership", "id": "forgotten", "access": [{"policy": {"reference": "AccessPolicy/123"}}]}');

-- As the guide prints it, with comments, it is not JSON.
INSERT INTO fhir_access.project_membership (resource) VALUES ('{
  "resourceType": "ProjectMembership",
  "access": [
    // Provide access to Patients and Diagnostic Reports in Organization/abc
    {
      "policy": { "reference": "AccessPolicy/123" }
    }
  ]
}');
\echo :LAST_ERROR_SQLSTATE

\c - app

-- Both organizations, not the third.
SET fhir_access.membership = 'two-organizations';
SELECT id FROM patient ORDER BY id;
SELECT id FROM diagnostic_report ORDER BY id;
SELECT place, policy, entry, parameters, predicate FROM fhir_access.explain('Patient') ORDER BY place;

-- A row may move from one instance to the other, not away from both.
UPDATE patient SET resource = jsonb_set(resource, '{managingOrganization,reference}', '"Organization/def"')
 WHERE id = 'a' RETURNING id, resource #>> '{managingOrganization,reference}' AS organization;
UPDATE patient SET resource = jsonb_set(resource, '{managingOrganization,reference}', '"Organization/xyz"') WHERE id = 'a';
\echo :LAST_ERROR_SQLSTATE
INSERT INTO diagnostic_report VALUES
    ('new', '{"resourceType": "DiagnosticReport", "id": "new", "performer": [{"reference": "Organization/def"}]}') RETURNING id;
INSERT INTO diagnostic_report VALUES
    ('out', '{"resourceType": "DiagnosticReport", "id": "out", "performer": [{"reference": "Organization/xyz"}]}');
\echo :LAST_ERROR_SQLSTATE

-- The built-in %profile: the same policy, two people.
SET fhir_access.membership = 'hibbert';
SELECT id FROM patient ORDER BY id;
SET fhir_access.membership = 'nick';
SELECT id FROM patient ORDER BY id;

-- A parameter that nobody defined makes the membership unusable; it is not everything, and not nothing.
SET fhir_access.membership = 'forgotten';
SELECT id FROM patient;
\echo :LAST_ERROR_SQLSTATE
