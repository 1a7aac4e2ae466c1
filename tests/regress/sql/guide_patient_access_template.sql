-- Guide "Patient access": each patient has what belongs to it, by one policy that names it only as %patient.
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

-- What belongs to one patient, here called PATIENT, by one element of each type; each of two patients gets all of it.
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
    FOREACH patient IN ARRAY '{homer,ned}'::text[] LOOP
        FOR r IN SELECT replace(resource, 'PATIENT', 'Patient/' || patient)::jsonb FROM belonging LOOP
            EXECUTE format('INSERT INTO %I VALUES ($1, $2)', lower(r ->> 'resourceType'))
              USING patient, r || jsonb_build_object('id', patient);
        END LOOP;
    END LOOP;
END $$;

-- What is everybody's.
INSERT INTO organization VALUES ('hospital', '{"resourceType": "Organization", "id": "hospital"}');
INSERT INTO practitioner VALUES ('hibbert', '{"resourceType": "Practitioner", "id": "hibbert"}');
INSERT INTO schedule VALUES ('days', '{"resourceType": "Schedule", "id": "days"}');
INSERT INTO slot VALUES ('free', '{"resourceType": "Slot", "id": "free", "status": "free"}');
-- And two that only look as if they were homer's: a task about him, and a subscription of another kind.
INSERT INTO task VALUES ('about', '{"resourceType": "Task", "id": "about", "for": {"reference": "Patient/homer"}}');
INSERT INTO subscription VALUES ('hook', '{"resourceType": "Subscription", "id": "hook", "channel": {"type": "rest-hook"},
                                           "meta": {"author": {"reference": "Patient/homer"}}}');

-- The guide prints the document with a comma too many at its end; that is not JSON.
INSERT INTO fhir_access.access_policy (resource) VALUES ('{
  "resourceType": "AccessPolicy",
  "resource": [
    {
      "resourceType": "Slot",
      "interaction": ["create", "read", "search"],
    }
  ]
}');
\echo :LAST_ERROR_SQLSTATE

-- The document of the guide.
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
INSERT INTO fhir_access.project_membership (resource) VALUES
('{"resourceType": "ProjectMembership", "id": "m-homer", "profile": {"reference": "Patient/homer"},
   "accessPolicy": {"reference": "AccessPolicy/patient-access-policy-template"}}'),
('{"resourceType": "ProjectMembership", "id": "m-ned", "profile": {"reference": "Patient/ned"},
   "accessPolicy": {"reference": "AccessPolicy/patient-access-policy-template"}}');
GRANT SELECT ON everything TO app;

\c - app

-- Each sees its own, and what is everybody's.
SET fhir_access.membership = 'm-homer';
SELECT type, id FROM everything ORDER BY type, id;
SET fhir_access.membership = 'm-ned';
SELECT id, count(*), array_agg(type ORDER BY type) FILTER (WHERE id <> 'ned') AS types FROM everything GROUP BY id ORDER BY id;

-- Own resources are written, of oneself only.
SET fhir_access.membership = 'm-homer';
INSERT INTO observation VALUES ('weight', '{"resourceType": "Observation", "id": "weight", "subject": {"reference": "Patient/homer"}}');
INSERT INTO observation VALUES ('theirs', '{"resourceType": "Observation", "id": "theirs", "subject": {"reference": "Patient/ned"}}');
\echo :LAST_ERROR_SQLSTATE
UPDATE patient SET resource = resource || '{"gender": "male"}' RETURNING id;
DELETE FROM observation WHERE id = 'weight' RETURNING id;

-- Communications and appointments are made, and stay as they were made.
INSERT INTO communication VALUES ('hello', '{"resourceType": "Communication", "id": "hello", "sender": {"reference": "Patient/homer"}}');
UPDATE communication SET resource = resource || '{"status": "completed"}' WHERE id = 'hello';
\echo :LAST_ERROR_SQLSTATE
DELETE FROM appointment WHERE id = 'homer';
\echo :LAST_ERROR_SQLSTATE
INSERT INTO slot VALUES ('mine', '{"resourceType": "Slot", "id": "mine", "status": "busy"}') RETURNING id;
UPDATE slot SET resource = resource || '{"status": "busy"}' WHERE id = 'free';
\echo :LAST_ERROR_SQLSTATE

-- What is everybody's is nobody's to change; what the policy does not name is closed.
DELETE FROM organization;
\echo :LAST_ERROR_SQLSTATE
INSERT INTO encounter VALUES ('visit', '{"resourceType": "Encounter", "id": "visit", "subject": {"reference": "Patient/homer"}}');
\echo :LAST_ERROR_SQLSTATE
