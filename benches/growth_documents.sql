-- So many policies, each with a membership of its own.
INSERT INTO fhir_access.access_policy (resource)
SELECT jsonb_build_object('resourceType', 'AccessPolicy', 'id', 'd' || n, 'resource', jsonb_build_array(jsonb_build_object(
         'resourceType', 'Observation', 'criteria', 'Observation?subject=Patient/p0', 'hiddenFields', '["performer"]'::jsonb)))
  FROM generate_series(0, {documents} - 1) AS n;
INSERT INTO fhir_access.project_membership (resource)
SELECT jsonb_build_object('resourceType', 'ProjectMembership', 'id', 'd' || n, 'profile', '{"reference": "Practitioner/gp7"}'::jsonb,
                          'accessPolicy', jsonb_build_object('reference', 'AccessPolicy/d' || n))
  FROM generate_series(0, {documents} - 1) AS n;
