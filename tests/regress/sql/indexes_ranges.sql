-- Indexes for dates, numbers and quantities. For each criteria: the statement that index_advice() proposes, executed; how the
-- planner then finds the application's rows, by itself, in a table of 20,000 rows; and that they are the rows it found before.
\ir prologue.sql
\ir granted.sql
\ir indexes.sql
SET TIME ZONE 'UTC';

CREATE TABLE patient (id text PRIMARY KEY, resource jsonb NOT NULL);
CREATE TABLE encounter (id text PRIMARY KEY, resource jsonb NOT NULL);
CREATE TABLE observation (id text PRIMARY KEY, resource jsonb NOT NULL);
CREATE TABLE chargeitem (id text PRIMARY KEY, resource jsonb NOT NULL);
CREATE TABLE molecularsequence (id text PRIMARY KEY, resource jsonb NOT NULL);
-- Birth dates over 55 years, some without a day, some wrong.
INSERT INTO patient
SELECT 'p' || n, jsonb_build_object('resourceType', 'Patient', 'id', 'p' || n, 'gender', CASE n % 2 WHEN 0 THEN 'female' ELSE 'male' END,
                                    'meta', jsonb_build_object('lastUpdated', to_char(timestamp '2020-01-01' + n * interval '1 hour', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')),
                                    'birthDate', CASE WHEN n % 100 = 0 THEN to_jsonb(to_char(date '1965-01-01' + n, 'YYYY-MM')) WHEN n % 101 = 0 THEN to_jsonb(n) ELSE to_jsonb(date '1965-01-01' + n) END)
  FROM generate_series(1, 20000) AS n;
-- Stays of up to ten days in ten years; one in fifty is still going on.
INSERT INTO encounter
SELECT 'e' || n, jsonb_build_object('resourceType', 'Encounter', 'id', 'e' || n, 'status', 'finished', 'length', jsonb_build_object('value', n % 300, 'unit', 'min'),
                                    'period', jsonb_strip_nulls(jsonb_build_object('start', to_char(timestamp '2010-01-01' + n * interval '4 hours', 'YYYY-MM-DD"T"HH24:MI"Z"'),
                                                              'end', CASE WHEN n % 50 > 0 THEN to_char(timestamp '2010-01-01' + n * interval '4 hours' + (n % 10) * interval '1 day', 'YYYY-MM-DD') END)))
  FROM generate_series(1, 20000) AS n;
-- Values from 0 to 199.9 in ten units.
INSERT INTO observation
SELECT 'o' || n, jsonb_build_object('resourceType', 'Observation', 'id', 'o' || n, 'status', 'final',
                                    'valueQuantity', jsonb_build_object('value', (n % 2000) * 0.1, 'system', 'http://unitsofmeasure.org', 'code', 'u' || n % 10, 'unit', 'unit ' || n % 10))
  FROM generate_series(1, 20000) AS n;
INSERT INTO chargeitem SELECT 'c' || n, jsonb_build_object('resourceType', 'ChargeItem', 'id', 'c' || n, 'factorOverride', n * 0.01) FROM generate_series(1, 20000) AS n;
-- Two variants each.
INSERT INTO molecularsequence
SELECT 'm' || n, jsonb_build_object('resourceType', 'MolecularSequence', 'id', 'm' || n, 'variant', jsonb_build_array(jsonb_build_object('start', n * 10), jsonb_build_object('start', n * 10 + 500)))
  FROM generate_series(1, 20000) AS n;
SELECT fhir_access.protect(t::regclass, r) FROM (VALUES ('patient', 'Patient'), ('encounter', 'Encounter'), ('observation', 'Observation'), ('chargeitem', 'ChargeItem'), ('molecularsequence', 'MolecularSequence')) AS v (t, r) \g /dev/null
ANALYZE;
\pset format unaligned
\pset tuples_only on

-- ---------------------------------------------------------------------------------------------------------------------
-- A date: a B-tree on where it begins and where it ends.
SELECT served('Patient?birthdate=1987-05');
SELECT advised('Patient?birthdate=1987-05') \gexec
ANALYZE patient;
SELECT served('Patient?birthdate=1987-05');
-- The same index serves a day, a year, several dates and most prefixes.
SELECT served('Patient?birthdate=1987-05-06');
SELECT served('Patient?birthdate=1987-05-06,2001-01-01');
SELECT served('Patient?birthdate=lt1965-06');
SELECT served('Patient?birthdate=sa2019-06-01');
SELECT served('Patient?birthdate=ap1987-05');
-- `ge` and `gt` look at where dates end: another index, whose first column is that.
SELECT advised('Patient?birthdate=ge2019-06-01') \gexec
ANALYZE patient;
SELECT served('Patient?birthdate=ge2019-06-01');
SELECT served('Patient?birthdate=gt2019-06-01');
SELECT served('Patient?birthdate=eb1965-06');
-- From and to: the planner asks one of them, the other one filters.
SELECT served('Patient?birthdate=ge2019-08-01&birthdate=lt2019-08-08');
-- When it was last written.
SELECT advised('Patient?_lastUpdated=gt2022-04-01') \gexec
ANALYZE patient;
SELECT served('Patient?_lastUpdated=gt2022-04-01');

-- A Period, open ones among them.
SELECT advised('Encounter?date=2015-02-03') \gexec
SELECT advised('Encounter?date=ge2019-02-01') \gexec
ANALYZE encounter;
SELECT served('Encounter?date=2015-02');
SELECT served('Encounter?date=le2010-01-03');
SELECT served('Encounter?date=ge2030-02-01');

-- ---------------------------------------------------------------------------------------------------------------------
-- A number: a B-tree on the least and the greatest.
SELECT advised('ChargeItem?factor-override=100') \gexec
ANALYZE chargeitem;
SELECT served('ChargeItem?factor-override=100');
SELECT served('ChargeItem?factor-override=100.25');
SELECT served('ChargeItem?factor-override=lt2');
SELECT served('ChargeItem?factor-override=gt100&factor-override=lt101');
SELECT advised('ChargeItem?factor-override=gt199.5') \gexec
ANALYZE chargeitem;
SELECT served('ChargeItem?factor-override=gt199.5');
SELECT served('ChargeItem?factor-override=ap50');
-- Of several elements the least and the greatest do not tell all: the index narrows, the test decides.
SELECT advised('MolecularSequence?variant-start=70000') \gexec
ANALYZE molecularsequence;
SELECT served('MolecularSequence?variant-start=70000');

-- ---------------------------------------------------------------------------------------------------------------------
-- A quantity with its unit: that is the first column. Without one the number comes first, as the advice says.
SELECT advised('Observation?value-quantity=150|http://unitsofmeasure.org|u0') \gexec
ANALYZE observation;
SELECT served('Observation?value-quantity=150.0|http://unitsofmeasure.org|u0');
SELECT served('Observation?value-quantity=gt199.5|http://unitsofmeasure.org|u9');
SELECT advised('Observation?value-quantity=150') \gexec
ANALYZE observation;
SELECT served('Observation?value-quantity=150.0');
-- number||unit has no key of its own: the number narrows.
SELECT served('Observation?value-quantity=150.0||u0');
SELECT advised('Encounter?length=gt298||min') \gexec
ANALYZE encounter;
SELECT served('Encounter?length=gt298||min');

-- ---------------------------------------------------------------------------------------------------------------------
-- What excludes is not found by an index: `ne`, :not and :missing are not advised, and tests run on each row.
SELECT served('Patient?birthdate=ne1987-05');
SELECT served('Patient?birthdate:not=1987-05');
SELECT served('Patient?birthdate:missing=true');
