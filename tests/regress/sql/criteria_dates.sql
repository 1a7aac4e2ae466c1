-- Dates: both what is asked for and what is stored are ranges of time, as long as they are written precisely.
\ir prologue.sql
\ir granted.sql
SET TIME ZONE 'Asia/Tokyo';
SELECT hold('Patient', 'Observation', 'Encounter', 'CarePlan', 'ServiceRequest');

-- ---------------------------------------------------------------------------------------------------------------------
-- Each prefix against dates of each precision. Next to each row, the range of time that it is.
CREATE TABLE meaning (id text, during tstzrange);
INSERT INTO meaning VALUES
    ('year-12',    '[2012-01-01 00:00Z, 2013-01-01 00:00Z)'),
    ('year-13',    '[2013-01-01 00:00Z, 2014-01-01 00:00Z)'),
    ('month-13-01', '[2013-01-01 00:00Z, 2013-02-01 00:00Z)'),
    ('day-13-01-14', '[2013-01-14 00:00Z, 2013-01-15 00:00Z)'),
    ('minute-10:00', '[2013-01-14 10:00Z, 2013-01-14 10:01Z)'),
    ('second-10:00:00', '[2013-01-14 10:00:00Z, 2013-01-14 10:00:01Z)'),
    ('milli-10:00:00.000', '[2013-01-14 10:00:00Z, 2013-01-14 10:00:00.001Z)'),
    ('tokyo-19:00', '[2013-01-14 10:00:00Z, 2013-01-14 10:00:01Z)'),
    ('day-13-01-15', '[2013-01-15 00:00Z, 2013-01-16 00:00Z)'),
    ('year-14',    '[2014-01-01 00:00Z, 2015-01-01 00:00Z)'),
    ('period-closed', '[2013-01-10 00:00Z, 2013-02-01 00:00Z)'),
    ('period-from', '[2013-01-14 00:00Z,)'),
    ('period-until', '(,2013-02-01 00:00Z)'),
    ('timing',     '[2012-06-01 00:00Z, 2013-01-15 00:00Z)');
SELECT store('Observation', 'year-12', '{"effectiveDateTime": "2012"}'),
       store('Observation', 'year-13', '{"effectiveDateTime": "2013"}'),
       store('Observation', 'month-13-01', '{"effectiveDateTime": "2013-01"}'),
       store('Observation', 'day-13-01-14', '{"effectiveDateTime": "2013-01-14"}'),
       store('Observation', 'minute-10:00', '{"effectiveDateTime": "2013-01-14T10:00Z"}'),
       store('Observation', 'second-10:00:00', '{"effectiveDateTime": "2013-01-14T10:00:00Z"}'),
       store('Observation', 'milli-10:00:00.000', '{"effectiveInstant": "2013-01-14T10:00:00.000Z"}'),
       store('Observation', 'tokyo-19:00', '{"effectiveDateTime": "2013-01-14T19:00:00+09:00"}'),
       store('Observation', 'day-13-01-15', '{"effectiveDateTime": "2013-01-15"}'),
       store('Observation', 'year-14', '{"effectiveDateTime": "2014"}'),
       store('Observation', 'period-closed', '{"effectivePeriod": {"start": "2013-01-10", "end": "2013-01"}}'),
       store('Observation', 'period-from', '{"effectivePeriod": {"start": "2013-01-14"}}'),
       store('Observation', 'period-until', '{"effectivePeriod": {"end": "2013-01-31"}}'),
       store('Observation', 'timing', '{"effectiveTiming": {"event": ["2013-01-14", "2012-06"], "repeat": {"count": 3}}}'),
       store('Observation', 'not-there', '{}') \g /dev/null

SELECT p || '2013' AS date, granted('Observation?date=' || p || '2013') FROM unnest('{"",eq,ne,gt,lt,ge,le,sa,eb,ap}'::text[]) WITH ORDINALITY t (p, n) ORDER BY n;
SELECT p || '2013-01-14' AS date, granted('Observation?date=' || p || '2013-01-14') FROM unnest('{eq,ne,gt,lt,ge,le,sa,eb,ap}'::text[]) WITH ORDINALITY t (p, n) ORDER BY n;
SELECT p || '2013-01-14T10:00' AS date, granted('Observation?date=' || p || '2013-01-14T10:00') FROM unnest('{eq,gt,lt,ge,le,sa,eb,ap}'::text[]) WITH ORDINALITY t (p, n) ORDER BY n;

-- The same said with PostgreSQL's own ranges, for some more dates: none is different.
CREATE TABLE asked (date text, during tstzrange);
INSERT INTO asked VALUES
    ('2013', '[2013-01-01 00:00Z, 2014-01-01 00:00Z)'), ('2013-01', '[2013-01-01 00:00Z, 2013-02-01 00:00Z)'),
    ('2013-01-14', '[2013-01-14 00:00Z, 2013-01-15 00:00Z)'), ('2013-01-15', '[2013-01-15 00:00Z, 2013-01-16 00:00Z)'),
    ('2013-01-14T10:00', '[2013-01-14 10:00Z, 2013-01-14 10:01Z)'), ('2013-01-14T12:00%2B02:00', '[2013-01-14 10:00Z, 2013-01-14 10:01Z)'),
    ('2013-01-14T10:00:00Z', '[2013-01-14 10:00:00Z, 2013-01-14 10:00:01Z)'), ('2013-01-14T10:00:00.0Z', '[2013-01-14 10:00:00Z, 2013-01-14 10:00:00.1Z)'),
    ('2013-01-31', '[2013-01-31 00:00Z, 2013-02-01 00:00Z)'), ('2012-05', '[2012-05-01 00:00Z, 2012-06-01 00:00Z)'),
    ('0001', '[0001-01-01 00:00Z, 0002-01-01 00:00Z)'), ('9999-12-31', '[9999-12-31 00:00Z, 10000-01-01 00:00Z)');
CREATE FUNCTION holds(prefix text, s tstzrange, t tstzrange) RETURNS boolean LANGUAGE sql
    RETURN CASE prefix WHEN 'eq' THEN s @> t
                       WHEN 'ne' THEN NOT s @> t
                       WHEN 'gt' THEN NOT t &< s
                       WHEN 'lt' THEN NOT t &> s
                       WHEN 'ge' THEN NOT t &< s OR s @> t
                       WHEN 'le' THEN NOT t &> s OR s @> t
                       WHEN 'sa' THEN t >> s
                       WHEN 'eb' THEN t << s
                       WHEN 'ap' THEN t && s END;
SELECT count(*) AS criteria, count(*) FILTER (WHERE g IS DISTINCT FROM meant) AS different, count(g) AS granting
  FROM asked, unnest('{eq,ne,gt,lt,ge,le,sa,eb,ap}'::text[]) AS p,
       LATERAL (SELECT granted('Observation?date=' || p || date)) AS a (g),
       LATERAL (SELECT string_agg(id, ' ' ORDER BY id COLLATE "C") FROM meaning m WHERE holds(p, asked.during, m.during)) AS b (meant);
-- And with the index that is advised for them.
SELECT * FROM with_indexes(ARRAY(SELECT 'Observation?date=' || p || date FROM asked, unnest('{eq,ne,gt,lt,ge,le,sa,eb,ap}'::text[]) AS p));

-- A list is an OR, a repeated parameter an AND; :not is not `ne`: it is also true where there is no date.
SELECT c AS criteria, granted(c)
  FROM unnest(ARRAY['Observation?date=2012,2014', 'Observation?date=ge2013-01-14&date=lt2013-01-15', 'Observation?date=ne2013', 'Observation?date:not=2013',
                    'Observation?date:missing=true', 'Observation?date:missing=false&date:not=ge2013']) WITH ORDINALITY t (c, n)
 ORDER BY n;

-- ---------------------------------------------------------------------------------------------------------------------
-- Zones: none means UTC, whatever the session's TimeZone. A date has none: the 14th is the 14th in UTC.
TRUNCATE observation;
SELECT store('Observation', 'none', '{"effectiveDateTime": "2013-01-14T23:30:00"}'),
       store('Observation', 'utc', '{"effectiveDateTime": "2013-01-14T23:30:00Z"}'),
       store('Observation', 'east', '{"effectiveDateTime": "2013-01-15T04:00:00+05:30"}'),
       store('Observation', 'west', '{"effectiveDateTime": "2013-01-14T23:30:00-01:00"}') \g /dev/null
SELECT c AS criteria, granted(c)
  FROM unnest(ARRAY['Observation?date=2013-01-14', 'Observation?date=2013-01-15', 'Observation?date=2013-01-14T22:30Z', 'Observation?date=2013-01-15T00:30', 'Observation?date=2013-01-14T22:30-01:00',
                    'Observation?date=2013-01-15T08:30%2B09:00']) WITH ORDINALITY t (c, n)
 ORDER BY n;
SET TIME ZONE 'America/Los_Angeles';
SELECT granted('Observation?date=2013-01-14');

-- ---------------------------------------------------------------------------------------------------------------------
-- Periods in other types; a repeated element, of which one is enough; an instant in meta; a birth date.
SELECT store('Encounter', 'one-day', '{"period": {"start": "2020-03-01T08:00:00Z", "end": "2020-03-01T09:00:00Z"}}'),
       store('Encounter', 'overnight', '{"period": {"start": "2020-03-01", "end": "2020-03-02"}}'),
       store('Encounter', 'running', '{"period": {"start": "2020-03-01"}}'),
       store('Encounter', 'neither', '{"period": {}}'),
       store('Encounter', 'backwards', '{"period": {"start": "2020-03-02", "end": "2020-03-01"}}'),
       store('CarePlan', 'two', '{"activity": [{"detail": {"scheduledPeriod": {"start": "2019", "end": "2019"}}}, {"detail": {"scheduledTiming": {"repeat": {"boundsPeriod": {"start": "2021-05"}}}}}]}'),
       store('CarePlan', 'text', '{"activity": [{"detail": {"scheduledString": "in 2021"}}]}'),
       store('Patient', 'p', '{"birthDate": "1987-05-06", "meta": {"lastUpdated": "2024-02-29T12:34:56.789Z"}}'),
       store('ServiceRequest', 'tid', '{"occurrenceTiming": {"repeat": {"frequency": 3, "period": 1, "periodUnit": "d"}}}') \g /dev/null
SELECT c AS criteria, granted(c)
  FROM unnest(ARRAY['Encounter?date=2020-03-01', 'Encounter?date=ap2020-03-02', 'Encounter?date=gt2020-03-01', 'Encounter?date=le2020-03-01', 'Encounter?date:missing=true', 'Encounter?date:not=2020-03-01',
                    'CarePlan?activity-date=2019', 'CarePlan?activity-date=sa2020', 'CarePlan?activity-date=2021', 'CarePlan?activity-date=ap2022', 'CarePlan?activity-date:missing=true',
                    'Patient?birthdate=1987', 'Patient?birthdate=lt1987-05-07', 'Patient?birthdate=ge1988', 'Patient?_lastUpdated=2024-02', 'Patient?_lastUpdated=gt2024-02-29T12:34:56', 'Patient?_lastUpdated=sa2024-02-29T12:34:56.788Z',
                    'ServiceRequest?occurrence=ge1900', 'ServiceRequest?occurrence:not=ge1900']) WITH ORDINALITY t (c, n)
 ORDER BY n;

-- ---------------------------------------------------------------------------------------------------------------------
-- What is no date is unknown: it grants nothing, by no prefix and by no :not, and never raises. Nor does an index on it.
TRUNCATE patient;
SELECT store('Patient', 'good', '{"birthDate": "1990-01-01", "deceasedDateTime": "2020"}') \g /dev/null
SELECT store('Patient', 'w' || n, jsonb_build_object('birthDate', w, 'deceasedDateTime', w, 'meta', jsonb_build_object('lastUpdated', w)))
  FROM unnest('{"\"soon\"","\"1990-13-45\"","\"1990-02-30\"","\"1990-1-1\"","\"\"","\" 1990\"","\"1990-01-01T25:00\"","\"1990-01-01 10:00\"","\"19900101\"","\"-1990\"","\"infinity\"","\"now\"",
                1990,"[\"1990\"]","[]","{}","{\"start\": \"1990\"}",true,null}'::jsonb[]) WITH ORDINALITY t (w, n) \g /dev/null
SELECT c AS criteria, granted(c)
  FROM unnest(ARRAY['Patient?birthdate=1990', 'Patient?birthdate=ne1980', 'Patient?birthdate=ge0001', 'Patient?birthdate=le9999', 'Patient?birthdate=ap1990', 'Patient?birthdate:not=1980',
                    'Patient?birthdate:missing=true', 'Patient?death-date=2020', 'Patient?death-date=ne1980', 'Patient?death-date:not=1980', 'Patient?_lastUpdated=ge0001', 'Patient?_lastUpdated:not=1980']) WITH ORDINALITY t (c, n)
 ORDER BY n;
SELECT * FROM with_indexes('{Patient?birthdate=1990,Patient?birthdate=ne1980,Patient?birthdate=ge0001,Patient?birthdate=le9999,Patient?birthdate=ap1990,Patient?birthdate:not=1980,Patient?birthdate:missing=true,
                             Patient?death-date=2020,Patient?death-date=ge0001,Patient?_lastUpdated=ge0001}');
-- In a Period, one wrong limit makes it unknown; two members of a choice, which FHIR forbids, make the choice unknown.
TRUNCATE encounter, observation;
SELECT store('Observation', 'one', '{"effectiveDateTime": "2020"}'), store('Observation', 'two', '{"effectiveDateTime": "2020", "effectivePeriod": {"start": "2020", "end": "2020"}}') \g /dev/null
SELECT c AS criteria, granted(c) FROM unnest(ARRAY['Observation?date=2020', 'Observation?date=ne2019', 'Observation?date:not=2019', 'Observation?date:missing=true']) WITH ORDINALITY t (c, n) ORDER BY n;
SELECT store('Encounter', 'good', '{"period": {"start": "2020", "end": "2021"}}') \g /dev/null
SELECT store('Encounter', 'w' || n, jsonb_build_object('period', w))
  FROM unnest('{"{\"start\": \"2020\", \"end\": \"later\"}","{\"start\": 2020}","{\"start\": null, \"end\": [\"2021\"]}","[{\"start\": \"2020\"}]","\"2020\"","[]",null}'::jsonb[]) WITH ORDINALITY t (w, n) \g /dev/null
SELECT c AS criteria, granted(c) FROM unnest(ARRAY['Encounter?date=ge2000', 'Encounter?date=ne2000', 'Encounter?date:not=2000', 'Encounter?date=ap2020', 'Encounter?date:missing=true']) WITH ORDINALITY t (c, n) ORDER BY n;
SELECT * FROM with_indexes('{Encounter?date=ge2000,Encounter?date=ap2020,Encounter?date=le2030,Encounter?date=eb2030,Encounter?date=sa2000}');
