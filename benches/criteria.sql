-- Resources of three types, for `cargo xtask bench criteria`: {rows} rows per table.
CREATE EXTENSION fhir_access;
CREATE TABLE observation (id text PRIMARY KEY, resource jsonb NOT NULL);
CREATE TABLE patient (id text PRIMARY KEY, resource jsonb NOT NULL);
CREATE TABLE risk_assessment (id text PRIMARY KEY, resource jsonb NOT NULL);

-- A mixed order: neighbours in the table have nothing in common.
INSERT INTO observation
SELECT 'o' || n, jsonb_build_object(
  'resourceType', 'Observation',
  'id', 'o' || n,
  'meta', jsonb_build_object(
    'versionId', '1', 'lastUpdated', '2025-06-30T09:00:00Z',
    'profile', jsonb_build_array('http://example.org/fhir/unit-' || m % 1000 || '/profile-' || m % 7)),
  'status', CASE WHEN m % 10 = 0 THEN 'amended' ELSE 'final' END,
  'category', jsonb_build_array(jsonb_build_object('coding', jsonb_build_array(jsonb_build_object(
    'system', 'http://terminology.hl7.org/CodeSystem/observation-category',
    'code', CASE WHEN m % 5 = 0 THEN 'laboratory' ELSE 'vital-signs' END)))),
  'code', jsonb_build_object(
    'coding', jsonb_build_array(jsonb_build_object('system', 'http://loinc.org', 'code', (m % 997)::text || '-7')),
    'text', 'Measurement ' || m % 997),
  'subject', jsonb_build_object('reference', 'Patient/p' || m % 10000),
  'effectiveDateTime', to_char(timestamp '2000-01-01' + m % 9000 * interval '1 day' + n % 86400 * interval '1 second',
                               'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
  'performer', jsonb_build_array(jsonb_build_object('reference', 'Practitioner/gp' || m % 800)),
  'valueQuantity', jsonb_build_object(
    'value', (m % 100000) / 100.0, 'unit', 'kg', 'system', 'http://unitsofmeasure.org',
    'code', CASE WHEN m % 2 = 0 THEN 'kg' ELSE 'g' END),
  'component', jsonb_build_array(
    jsonb_build_object(
      'code', jsonb_build_object('coding', jsonb_build_array(
        jsonb_build_object('system', 'http://loinc.org', 'code', (m % 499)::text || '-1'))),
      'valueQuantity', jsonb_build_object('value', m % 300, 'system', 'http://unitsofmeasure.org', 'code', 'mm[Hg]')),
    jsonb_build_object(
      'code', jsonb_build_object('coding', jsonb_build_array(
        jsonb_build_object('system', 'http://loinc.org', 'code', (m % 499)::text || '-2'))),
      'valueQuantity', jsonb_build_object('value', m % 200, 'system', 'http://unitsofmeasure.org', 'code', 'mm[Hg]'))))
FROM (SELECT n, n::bigint * 7919 % {rows} AS m FROM generate_series(1, {rows}) AS n) AS numbers;

INSERT INTO patient
SELECT 'p' || n, jsonb_build_object(
  'resourceType', 'Patient',
  'id', 'p' || n,
  'active', true,
  'name', jsonb_build_array(jsonb_build_object(
    'family', initcap(substr(md5((m % 20000)::text), 1, 8)),
    'given', jsonb_build_array(initcap(substr(md5((m % 5000)::text), 9, 6))))),
  'gender', CASE WHEN m % 2 = 0 THEN 'female' ELSE 'male' END,
  'birthDate', to_char(date '1930-01-01' + (m % 34000)::integer, 'YYYY-MM-DD'),
  'address', jsonb_build_array(jsonb_build_object(
    'line', jsonb_build_array(m % 900 || ' Main Street'), 'city', initcap(substr(md5((m % 3000)::text), 17, 7)),
    'state', (ARRAY['CA', 'NY', 'TX', 'WA', 'FL'])[1 + m % 5], 'country', 'US')))
FROM (SELECT n, n::bigint * 7919 % {rows} AS m FROM generate_series(1, {rows}) AS n) AS numbers;

INSERT INTO risk_assessment
SELECT 'r' || n, jsonb_build_object(
  'resourceType', 'RiskAssessment',
  'id', 'r' || n,
  'status', 'final',
  'subject', jsonb_build_object('reference', 'Patient/p' || m % 100000),
  'prediction', jsonb_build_array(jsonb_build_object(
    'outcome', jsonb_build_object('text', 'Outcome ' || m % 7), 'probabilityDecimal', (m % 100000) / 100000.0)))
FROM (SELECT n, n::bigint * 7919 % {rows} AS m FROM generate_series(1, {rows}) AS n) AS numbers;

SELECT fhir_access.protect('observation', 'Observation');
SELECT fhir_access.protect('patient', 'Patient');
SELECT fhir_access.protect('risk_assessment', 'RiskAssessment');

CREATE ROLE bench_app LOGIN;
GRANT SELECT ON observation, patient, risk_assessment TO bench_app;
GRANT SET ON PARAMETER fhir_access.membership TO bench_app;
