-- Guide "Caregiver access": a parent has what belongs to two children, by two instances of the patients' policy.
\ir prologue.sql

-- One table for each type that the policy names, and one for a type that it does not; and everything in one view.
DO $$
DECLARE
    type text;
    parts text[];
BEGIN
    FOREACH type IN ARRAY '{Patient,Observation,DiagnosticReport,MedicationRequest,Coverage,PaymentNotice,CarePlan,
                            Immunization,Communication,RequestGroup,Task,QuestionnaireResponse,Organization,
                            Practitioner,Schedule,DocumentReference,Subscription,Appointment,Slot,
                            Encounter}'::text[] LOOP
        EXECUTE format('CREATE TABLE %I (id text PRIMARY KEY, resource jsonb NOT NULL)', lower(type));
        PERFORM fhir_access.protect(lower(type)::regclass, type);
        parts := parts || format('SELECT resource ->> ''resourceType'' AS type, id FROM %I', lower(type));
    END LOOP;
    EXECUTE 'CREATE VIEW everything AS ' || array_to_string(parts, ' UNION ALL ');
END $$;

-- What belongs to one patient, here called PATIENT, by one element of each type; each of three patients gets all of it.
CREATE TEMP TABLE belonging (resource text);
INSERT INTO belonging VALUES
    ('{"resourceType": "Patient"}'),
    ('{"resourceType": "Observation", "subject": {"reference": "PATIENT"}}'),
    ('{"resourceType": "DiagnosticReport", "subject": {"reference": "PATIENT"}}'),
    ('{"resourceType": "MedicationRequest", "subject": {"reference": "PATIENT"}}'),
    ('{"resourceType": "Coverage", "beneficiary": {"reference": "Patient/child"}, "payor": [{"reference": "PATIENT"}]}'),
    ('{"resourceType": "PaymentNotice", "meta": {"account": {"reference": "PATIENT"}}}'),
    ('{"resourceType": "CarePlan", "activity": [{"detail": {"performer": [{"reference": "PATIENT"}]}}]}'),
    ('{"resourceType": "Immunization", "patient": {"reference": "PATIENT"}}'),
    ('{"resourceType": "Communication", "recipient": [{"reference": "PATIENT"}]}'),
    ('{"resourceType": "RequestGroup", "action": [{"participant": [{"reference": "PATIENT"}]}]}'),
    ('{"resourceType": "Task", "focus": {"reference": "PATIENT"}}'),
    ('{"resourceType": "QuestionnaireResponse", "source": {"reference": "PATIENT"}}'),
    ('{"resourceType": "DocumentReference", "author": [{"reference": "PATIENT"}]}'),
    ('{"resourceType": "Subscription", "meta": {"author": {"reference": "PATIENT"}}, "channel": {"type": "websocket"}}'),
    ('{"resourceType": "Appointment", "participant": [{"actor": {"reference": "PATIENT"}}]}'),
    ('{"resourceType": "Encounter", "subject": {"reference": "PATIENT"}}');
DO $$
DECLARE
    patient text;
    r jsonb;
BEGIN
    FOREACH patient IN ARRAY '{xyz,uvw,parent}'::text[] LOOP
        FOR r IN SELECT replace(resource, 'PATIENT', 'Patient/' || patient)::jsonb FROM belonging LOOP
            EXECUTE format('INSERT INTO %I VALUES ($1, $2)', lower(r ->> 'resourceType'))
              USING patient, r || jsonb_build_object('id', patient);
        END LOOP;
    END LOOP;
END $$;

-- The policy of the guide "Patient access", and the membership of this guide, with an id and a profile.
INSERT INTO fhir_access.access_policy (resource) VALUES ('{
  "resourceType": "AccessPolicy",
  "name": "Patient Access Policy Template",
  "id": "patient-access-policy-template",
  "resource": [
    {"resourceType": "Patient", "criteria": "Patient?_compartment=%patient"},
    {"resourceType": "Observation", "criteria": "Observation?_compartment=%patient"},
    {"resourceType": "DiagnosticReport", "criteria": "DiagnosticReport?_compartment=%patient"},
    {"resourceType": "MedicationRequest", "criteria": "MedicationRequest?_compartment=%patient"},
    {"resourceType": "Coverage", "criteria": "Coverage?_compartment=%patient"},
    {"resourceType": "PaymentNotice", "criteria": "PaymentNotice?_compartment=%patient"},
    {"resourceType": "CarePlan", "criteria": "CarePlan?_compartment=%patient"},
    {"resourceType": "Immunization", "criteria": "Immunization?_compartment=%patient"},
    {"resourceType": "Communication", "criteria": "Communication?_compartment=%patient", "interaction": ["create", "read", "search"]},
    {"resourceType": "RequestGroup", "criteria": "RequestGroup?_compartment=%patient"},
    {"resourceType": "Task", "criteria": "Task?focus=%patient"},
    {"resourceType": "QuestionnaireResponse", "criteria": "QuestionnaireResponse?_compartment=%patient"},
    {"resourceType": "Organization", "readonly": true},
    {"resourceType": "Practitioner", "readonly": true},
    {"resourceType": "Schedule", "readonly": true},
    {"resourceType": "DocumentReference", "criteria": "DocumentReference?_compartment=%patient"},
    {"resourceType": "Subscription", "criteria": "Subscription?type=websocket&author=%patient"},
    {"resourceType": "Appointment", "interaction": ["create", "read", "search"], "criteria": "Appointment?_compartment=%patient"},
    {"resourceType": "Slot", "interaction": ["create", "read", "search"]}
  ]
}');
INSERT INTO fhir_access.project_membership (resource) VALUES ('{
  "resourceType": "ProjectMembership",
  "id": "caregiver",
  "profile": { "reference": "Patient/parent" },
  "access": [
    {
      "policy": { "reference": "AccessPolicy/patient-access-policy-template" },
      "parameter": [
        {
          "name": "patient",
          "valueReference": { "reference": "Patient/xyz" }
        }
      ]
    },
    {
      "policy": { "reference": "AccessPolicy/patient-access-policy-template" },
      "parameter": [
        {
          "name": "patient",
          "valueReference": { "reference": "Patient/uvw" }
        }
      ]
    }
  ]
}');
GRANT SELECT ON everything TO app;

\c - app
SET fhir_access.membership = 'caregiver';

-- Both children in every type, and nothing of the parent: a defined %patient takes the place of the built-in one.
SELECT type, array_agg(id ORDER BY id) AS patients FROM everything GROUP BY type ORDER BY type;

-- Writes for either child, for nobody else, and a resource may go from one child to the other.
INSERT INTO observation VALUES
    ('a', '{"resourceType": "Observation", "id": "a", "subject": {"reference": "Patient/xyz"}}'),
    ('b', '{"resourceType": "Observation", "id": "b", "subject": {"reference": "Patient/uvw"}}');
INSERT INTO observation VALUES ('c', '{"resourceType": "Observation", "id": "c", "subject": {"reference": "Patient/parent"}}');
\echo :LAST_ERROR_SQLSTATE
UPDATE observation SET resource = jsonb_set(resource, '{subject,reference}', '"Patient/uvw"') WHERE id = 'a' RETURNING id;
UPDATE observation SET resource = jsonb_set(resource, '{subject,reference}', '"Patient/other"') WHERE id = 'a';
\echo :LAST_ERROR_SQLSTATE

-- Which instance grants a row: the first that does.
SELECT reference, c.allowed, c.policy, c.entry
  FROM unnest('{Patient/xyz,Patient/uvw,Patient/parent}'::text[]) AS reference, fhir_access.check(reference, 'search') c;
SELECT place, policy, entry, parameters FROM fhir_access.explain('Immunization') ORDER BY place;
