-- Window functions, GROUPING SETS, CUBE and ROLLUP, DISTINCT ON, ordered-set and other aggregates: hidden parts neither come
-- out nor divide, order or count anything.
\ir prologue.sql
\ir masked_shapes.sql

INSERT INTO shape (query) VALUES
    -- windows
    ('SELECT id, row_number() OVER (ORDER BY value, id), rank() OVER (ORDER BY value), dense_rank() OVER (ORDER BY resource ->> ''valueString'') FROM observation'),
    ('SELECT id, percent_rank() OVER (ORDER BY value), cume_dist() OVER (ORDER BY value), ntile(2) OVER (ORDER BY value, id) FROM observation'),
    ('SELECT id, first_value(value) OVER w, last_value(resource) OVER w, nth_value(o, 2) OVER w, lag(resource) OVER w, lead(value, 1, ''none'') OVER w FROM observation o WINDOW w AS (PARTITION BY resource ->> ''status'' ORDER BY value, id)'),
    ('SELECT id, count(*) OVER (PARTITION BY value), count(*) OVER (PARTITION BY resource), count(value) OVER () FROM observation'),
    ('SELECT id, array_agg(o) OVER (ORDER BY id ROWS 1 PRECEDING), json_agg(o.resource) OVER (ORDER BY id DESC) FROM observation o'),
    ('SELECT id, count(*) FILTER (WHERE value LIKE ''CAN_RY%'') OVER (), max(value) FILTER (WHERE true) OVER (ORDER BY id) FROM observation'),
    ('SELECT id, count(*) OVER (ORDER BY length(resource ->> ''valueString'') RANGE BETWEEN 1 PRECEDING AND CURRENT ROW) FROM observation'),
    ('SELECT id, count(*) OVER (ORDER BY resource #>> ''{subject,display}'' GROUPS BETWEEN CURRENT ROW AND CURRENT ROW EXCLUDE TIES) FROM observation'),
    ('SELECT id, sum(length(value)) OVER (ORDER BY id), sum(length(resource::text)) OVER (ORDER BY id) FROM observation'),
    ('SELECT * FROM (SELECT id, row_number() OVER (ORDER BY value DESC NULLS LAST, id) AS n FROM observation) s WHERE n = 1'),
    ('SELECT id FROM observation ORDER BY lag(value) OVER (ORDER BY id DESC), id'),
    ('SELECT id, rank() OVER (ORDER BY count(value)), max(max(value)) OVER () FROM observation GROUP BY id'),
    -- grouping
    ('SELECT resource, count(*) FROM observation GROUP BY resource'),
    ('SELECT value, count(*) FROM observation GROUP BY value'),
    ('SELECT id, resource, value, o FROM observation o GROUP BY id'),
    ('SELECT resource ->> ''valueString'', count(*) FROM observation GROUP BY 1 HAVING count(*) > 0'),
    ('SELECT resource -> ''subject'' -> ''display'' AS d, count(*) FROM observation GROUP BY d'),
    ('SELECT resource ->> ''status'', resource ->> ''valueString'', count(*), GROUPING(resource ->> ''status'', resource ->> ''valueString'') FROM observation GROUP BY ROLLUP (resource ->> ''status'', resource ->> ''valueString'')'),
    ('SELECT value, resource ->> ''status'', count(*), GROUPING(value) FROM observation GROUP BY CUBE (value, resource ->> ''status'')'),
    ('SELECT resource, value, count(*), GROUPING(resource, value) FROM observation GROUP BY GROUPING SETS ((resource), (value), (resource, value), ())'),
    ('SELECT value, note, max(value), GROUPING(value, note) FROM observation GROUP BY GROUPING SETS ((value, note), (value), (note))'),
    ('SELECT resource ->> ''status'', resource, value FROM observation GROUP BY GROUPING SETS ((resource, value), (resource ->> ''status''), ())'),
    ('SELECT max(value), count(*) FROM observation GROUP BY DISTINCT CUBE (value), ROLLUP (value)'),
    ('SELECT id FROM observation GROUP BY id HAVING max(value) LIKE ''CAN_RY%'' OR bool_or(resource ? ''valueString'')'),
    ('SELECT count(*) FROM observation HAVING max(value) IS NULL'),
    ('SELECT GROUPING(value), count(*) FROM observation GROUP BY value'),
    -- DISTINCT
    ('SELECT DISTINCT resource FROM observation'),
    ('SELECT DISTINCT value FROM observation'),
    ('SELECT DISTINCT ON (value) value, id FROM observation ORDER BY value, id'),
    ('SELECT DISTINCT ON (resource ->> ''valueString'', note) id FROM observation ORDER BY resource ->> ''valueString'', note, id'),
    ('SELECT DISTINCT resource -> ''subject'' FROM observation ORDER BY 1'),
    ('SELECT count(DISTINCT value), count(DISTINCT resource -> ''subject''), count(DISTINCT resource #> ''{subject,display}'') FROM observation'),
    -- ordering
    ('SELECT id FROM observation ORDER BY value DESC, id'),
    ('SELECT id FROM observation ORDER BY value USING >, id'),
    ('SELECT id FROM observation ORDER BY resource ->> ''valueString'' NULLS FIRST, id LIMIT 1'),
    ('SELECT id FROM observation ORDER BY value FETCH FIRST 1 ROW WITH TIES'),
    ('SELECT id FROM patient ORDER BY resource ->> ''birthDate'' DESC, id DESC'),
    -- aggregates
    ('SELECT min(value), max(value), max(resource ->> ''valueString''), string_agg(value, '',''), array_agg(value ORDER BY id) FROM observation'),
    ('SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY value), mode() WITHIN GROUP (ORDER BY resource ->> ''valueString'') FROM observation'),
    ('SELECT mode() WITHIN GROUP (ORDER BY resource) IS NOT NULL, percentile_disc(ARRAY[0, 1]) WITHIN GROUP (ORDER BY o.resource::text) FROM observation o'),
    ('SELECT rank(''CAN'' || ''ARY 2'') WITHIN GROUP (ORDER BY value), cume_dist(''D'') WITHIN GROUP (ORDER BY resource ->> ''valueString'') FROM observation'),
    ('SELECT jsonb_agg(resource ORDER BY id), jsonb_object_agg(id, value ORDER BY id), json_object_agg(id, resource -> ''valueString'' ORDER BY id) FROM observation'),
    ('SELECT count(*) FILTER (WHERE value > ''''), every(value IS NULL), bool_or(resource::text LIKE ''%CAN_RY%''), sum(length(value)) FROM observation'),
    ('SELECT range_agg(numrange(NULL, (resource ->> ''multipleBirthInteger'')::numeric)), sum((resource ->> ''multipleBirthInteger'')::numeric) FROM patient'),
    ('SELECT corr(length(resource ->> ''birthDate''), 1), regr_count(length(resource ->> ''birthDate''), 1) FROM patient');
\ir masked_verdicts.sql
