-- After observations.sql: a thousand patients with a policy of 20 entries, and a copy of the table for the other methods, for
-- `cargo xtask bench switching`.
INSERT INTO fhir_access.access_policy (resource)
SELECT jsonb_build_object('resourceType', 'AccessPolicy', 'id', 'twenty', 'resource',
  jsonb_build_array(jsonb_build_object('resourceType', 'Observation', 'criteria', 'Observation?subject=%profile', 'hiddenFields', '["performer"]'::jsonb))
  || jsonb_agg(jsonb_build_object('resourceType', kind, 'criteria', kind || '?_compartment=%profile', 'hiddenFields', '["note"]'::jsonb)))
  FROM unnest('{Account,AllergyIntolerance,CarePlan,CareTeam,Claim,Communication,Condition,Coverage,DeviceRequest,DiagnosticReport,
                DocumentReference,Encounter,Goal,Immunization,MedicationRequest,MedicationStatement,Procedure,QuestionnaireResponse,
                ServiceRequest}'::text[]) AS kind;

INSERT INTO fhir_access.project_membership (resource)
SELECT jsonb_build_object('resourceType', 'ProjectMembership', 'id', 's' || n, 'profile', jsonb_build_object('reference', 'Patient/p' || n),
                          'accessPolicy', '{"reference": "AccessPolicy/twenty"}'::jsonb)
  FROM generate_series(0, 999) AS n;

CREATE TABLE copied (LIKE observation INCLUDING ALL);
INSERT INTO copied SELECT * FROM observation ORDER BY observation.ctid;
CREATE ROLE bench_setting LOGIN;
GRANT SELECT ON copied TO bench_setting;
ALTER TABLE copied ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON copied TO bench_setting
 USING (resource @> (SELECT jsonb_build_object('subject', jsonb_build_object('reference', current_setting('app.patient')))));
