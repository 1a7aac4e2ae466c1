-- After the patients are in source: as often as it takes, and what is joined with them.
INSERT INTO patient
SELECT 'p' || n, source.resource || jsonb_build_object('id', 'p' || n)
  FROM generate_series(1, {rows}) AS n
  JOIN (SELECT row_number() OVER (ORDER BY id) - 1 AS number, count(*) OVER () AS all, resource FROM source) AS source ON source.number = n % source.all;
INSERT INTO encounter
SELECT 'e' || n, 'p' || n, jsonb_build_object('resourceType', 'Encounter', 'id', 'e' || n, 'status', 'finished', 'subject', jsonb_build_object('reference', 'Patient/p' || n))
  FROM generate_series(1, {rows}) AS n;
INSERT INTO observation
SELECT 'o' || n, 'e' || n, jsonb_build_object('resourceType', 'Observation', 'id', 'o' || n, 'status', 'final', 'subject', jsonb_build_object('reference', 'Patient/p' || n), 'valueString', n::text)
  FROM generate_series(1, {rows}) AS n;
INSERT INTO region SELECT n, 'region ' || n FROM generate_series(0, 9) AS n;
INSERT INTO clinic SELECT n, n % 10, 'clinic ' || n FROM generate_series(0, 99) AS n;
INSERT INTO payer SELECT n, 'payer ' || n FROM generate_series(0, 9) AS n;
INSERT INTO plan SELECT n, n % 10 FROM generate_series(0, 99) AS n;
INSERT INTO account SELECT 'p' || n, n % 100, n % 100 FROM generate_series(1, {rows}) AS n;
INSERT INTO status SELECT n, 'status ' || n FROM generate_series(0, 4) AS n;
INSERT INTO invoice SELECT n, 'e' || n, n % 5 FROM generate_series(1, {rows}) AS n;
