-- Captures the bytes PostgreSQL itself writes, for captured.tsv:
--   psql -X -q -A -t -F $'\t' -f capture.sql > captured.tsv
-- on PostgreSQL 15, little-endian, UTF8. A PLAIN column is never compressed, so the tuple's data after the
-- header (one byte when the first byte is odd, else four) is the document. Columns: input, jsonb's own text, hex.
\set ON_ERROR_STOP on
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pageinspect;
CREATE TEMP TABLE captured (n int GENERATED ALWAYS AS IDENTITY, input text, output text, hex text);
CREATE TABLE public.capture_one (j jsonb);
ALTER TABLE public.capture_one ALTER COLUMN j SET STORAGE PLAIN;
CREATE FUNCTION pg_temp.capture(input text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  TRUNCATE public.capture_one;
  INSERT INTO public.capture_one VALUES (input::jsonb);
  INSERT INTO captured (input, output, hex)
    SELECT input, input::jsonb::text, encode(substr(t_data, CASE get_byte(t_data, 0) & 1 WHEN 1 THEN 2 ELSE 5 END), 'hex')
    FROM heap_page_items(get_raw_page('public.capture_one', 0));
END $$;
\o /dev/null
SELECT pg_temp.capture(x) FROM unnest(ARRAY[
  'null', 'true', 'false', '""', '"a"', '"z\u00e9ro \ud83d\ude00 \"\\\/\b\f\n\r\t\u0001"', '{}', '[]', '[[]]', '{"a":{}}',
  '0', '-0', '-0.0', '0.00', '1', '-1', '1.10', '10', '100', '1000', '9999', '10000', '10001', '0.1', '0.0001', '0.00001',
  '1e400', '-1e400', '1.5e-70', '1e-64', '1e5', '1.10e1', '123e-2', '12345678901234567890.000', '0e10', '0.000e-3',
  '99999999999999999999999999999999999999.9999999999999999999999999999999999999999999999999999999999999999999999',
  '1e255', '1e256', '1e-256', '1e-260', '100000000', '123456789.987654321',
  '[1,"a",2,"bcd",null,true,[3,"x"],{"k":false}]', '["a",1.10,"bc",[],"d",{},"e",-0.001]',
  '{"b":1,"a":2,"aa":3,"Z":4,"é":5,"":6}', '{"a":1,"b":2,"a":3}', '{"a":{"a":{"a":[{"a":[[[1]]]}]}},"b":"x"}',
  '{"resourceType":"Patient","id":"p1","name":[{"family":"Ångström","given":["Ana","B"]}],"_birthDate":{"id":"x"},"birthDate":"1970-01-01","active":true}'
]) x;
\o /dev/null
SELECT pg_temp.capture((SELECT jsonb_object_agg('key' || i, i)::text FROM generate_series(1, 31) i));
\o /dev/null
SELECT pg_temp.capture((SELECT jsonb_object_agg('key' || i, i)::text FROM generate_series(1, 32) i));
\o /dev/null
SELECT pg_temp.capture((SELECT jsonb_object_agg('key' || i, 'value ' || i)::text FROM generate_series(1, 33) i));
\o /dev/null
SELECT pg_temp.capture((SELECT jsonb_object_agg('k' || i, CASE i % 5 WHEN 0 THEN 'null' WHEN 1 THEN to_jsonb(i / 3.0)
  WHEN 2 THEN to_jsonb('v' || i) WHEN 3 THEN jsonb_build_array(i, 'x') ELSE jsonb_build_object('n', i) END)::text
  FROM generate_series(1, 100) i));
\o /dev/null
SELECT pg_temp.capture((SELECT jsonb_agg(CASE i % 3 WHEN 0 THEN to_jsonb(i) WHEN 1 THEN to_jsonb(repeat('s', i)) ELSE '[]' END)::text
  FROM generate_series(1, 70) i));
\o /dev/null
SELECT pg_temp.capture(repeat('[', 200) || repeat(']', 200));
\o
SELECT input, output, hex FROM captured ORDER BY n;
DROP TABLE public.capture_one;
