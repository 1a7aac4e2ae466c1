-- After observations.sql: what grows, for `cargo xtask bench growth`. Who asks may always see Patient/p0's Observations.
CREATE INDEX ON observation USING gin (fhir_access.targets(resource, 'subject:Reference') fhir_access.prefix_ops);

-- Memberships i1 to i1000 have so many instances of one policy.
INSERT INTO fhir_access.access_policy (resource) VALUES ('{"resourceType": "AccessPolicy", "id": "caregiver", "resource": [
  {"resourceType": "Observation", "criteria": "Observation?subject=%patient", "hiddenFields": ["performer"]}]}');
INSERT INTO fhir_access.project_membership (resource)
SELECT jsonb_build_object('resourceType', 'ProjectMembership', 'id', 'i' || n, 'profile', '{"reference": "Practitioner/gp7"}'::jsonb, 'access',
  (SELECT jsonb_agg(jsonb_build_object('policy', '{"reference": "AccessPolicy/caregiver"}'::jsonb, 'parameter',
            jsonb_build_array(jsonb_build_object('name', 'patient', 'valueReference', jsonb_build_object('reference', 'Patient/p' || k))))
            ORDER BY k DESC)
     FROM generate_series(0, n - 1) AS k))
  FROM unnest('{1,10,100,1000}'::int[]) AS n;

-- Memberships e1 to e100 have so many entries for the type; it is the last one that grants.
INSERT INTO fhir_access.access_policy (resource)
SELECT jsonb_build_object('resourceType', 'AccessPolicy', 'id', 'e' || n, 'resource',
  (SELECT jsonb_agg(jsonb_build_object('resourceType', 'Observation', 'hiddenFields', '["performer"]'::jsonb, 'criteria',
            CASE k WHEN n THEN 'Observation?subject=Patient/p0' ELSE 'Observation?code=http://loinc.org|' || 100 + k || '-7' END) ORDER BY k)
     FROM generate_series(1, n) AS k))
  FROM unnest('{1,5,10,20,50,100}'::int[]) AS n;
INSERT INTO fhir_access.project_membership (resource)
SELECT jsonb_build_object('resourceType', 'ProjectMembership', 'id', 'e' || n, 'profile', '{"reference": "Practitioner/gp7"}'::jsonb,
                          'accessPolicy', jsonb_build_object('reference', 'AccessPolicy/e' || n))
  FROM unnest('{1,5,10,20,50,100}'::int[]) AS n;
