-- Roles that the files of this folder share. Made once per cluster, by a superuser; the files may use them, and must not
-- change them. A file that needs a setting of a role makes it for its own database: ALTER ROLE … IN DATABASE … SET.

-- The application: it may say for whom it acts, and from where. Everything else it has is plain table privileges.
CREATE ROLE app LOGIN;
GRANT SET ON PARAMETER fhir_access.membership TO app;
GRANT SET ON PARAMETER fhir_access.client_ip TO app;

-- A database user of flesh and blood: it may not choose its membership, an administrator binds it to one.
CREATE ROLE clinician LOGIN;

-- Owns tables, and is subject to the policies like everybody else.
CREATE ROLE steward LOGIN;

-- Migrations and bulk jobs.
CREATE ROLE loader LOGIN BYPASSRLS;
