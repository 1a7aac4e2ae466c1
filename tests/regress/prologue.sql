-- What every file begins with (\ir prologue.sql, as psql runs in this folder): the extension, and tables open to the app.
CREATE EXTENSION fhir_access;
ALTER DEFAULT PRIVILEGES GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO app, clinician, loader;
