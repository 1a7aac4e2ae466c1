// Errors arrive with their SQLSTATE and fields, ours and PostgreSQL's own.
import assert from "node:assert/strict";
import { test } from "node:test";
import { actingAs, column, connected, nobody, PATIENTS, refused } from "./clinic.mjs";

test("no membership", () =>
  connected(async (client) => {
    const error = await refused(client.query(PATIENTS));
    assert.equal(error.code, "28000");
    assert.equal(error.severity, "ERROR");
    assert.equal(error.message, "no membership is set for this session");
    assert.match(error.hint, /fhir_access\.membership/);
  }));

for (const [membership, named] of [["nobody", "ProjectMembership/nobody"], ["lost", "AccessPolicy/of-nobody"]]) {
  test(`a membership that cannot be used: ${membership}`, () =>
    connected((client) =>
      actingAs(client, membership, async () => {
        const error = await refused(client.query(PATIENTS));
        assert.equal(error.code, "28000");
        assert.ok(error.message.includes(named), error.message);
      }),
    ));
}

test("a value that no membership can have", () =>
  connected(async (client) => {
    const error = await refused(client.query("SELECT fhir_access.set_session($1, NULL, false)", ["Patient/p1"]));
    assert.equal(error.code, "22023");
    assert.match(error.detail, /ProjectMembership/);
    await nobody(client);
  }));

test("a blocked address", () =>
  connected(async (client) => {
    await actingAs(client, "office", async () => assert.equal((await client.query(PATIENTS)).rowCount, 3), { ip: "203.0.113.9" });
    await actingAs(client, "office", async () => {
      const error = await refused(client.query(PATIENTS));
      assert.equal(error.code, "28000");
      assert.match(error.message, /198\.51\.100\.9.*AccessPolicy\/office-only/);
    }, { ip: "198.51.100.9" });
    const error = await refused(client.query("SELECT fhir_access.set_session('office', 'elsewhere')"));
    assert.equal(error.code, "22023");
  }));

test("the address of the connection counts", async () => {
  const local = (client) => actingAs(client, "local", () => client.query(PATIENTS));
  const result = await connected(local, { host: "127.0.0.1", password: "the driver's password" });
  assert.equal(result.rowCount, 3);
  assert.equal((await refused(connected(local))).code, "28000");
});

test("a write that is not permitted", () =>
  connected(async (client) => {
    await actingAs(client, "anna", async () => {
      const error = await refused(client.query("UPDATE patient SET note = $1 WHERE id = 'anna'", ["mine"]));
      assert.equal(error.code, "42501");
      assert.equal(error.message, "update of Patient/anna is not permitted");
      assert.match(error.detail, /update/);
      assert.ok(error.hint);
    });
    await actingAs(client, "p1", async () => {
      const leave = client.query(`UPDATE patient SET resource = resource || $1 WHERE id = 'anna'`, [{ generalPractitioner: [] }]);
      const error = await refused(leave);
      assert.equal(error.code, "42501");
      assert.match(error.detail, /AccessPolicy\/practice resource\[0\]/);
    });
    await actingAs(client, "p2", async () => {
      assert.equal((await client.query("DELETE FROM patient WHERE id = 'anna'")).rowCount, 0);
    });
  }));

test("only a trusted role chooses its membership", () =>
  connected(async (client) => {
    assert.equal((await refused(client.query("SET fhir_access.membership = 'p1'"))).code, "42501");
    assert.equal((await refused(client.query("SELECT fhir_access.set_session('p1')"))).code, "42501");
    await nobody(client);
  }, { user: "bystander" }));

test("an invalid policy", () =>
  connected(async (client) => {
    const policy = { resourceType: "AccessPolicy", resource: [{ resourceType: "Patient", criteria: "Patient?adress-state=CA" }] };
    const error = await refused(client.query("INSERT INTO fhir_access.access_policy (resource) VALUES ($1)", [policy]));
    assert.equal(error.code, "22023");
    assert.match(error.message, /resource\[0\]\.criteria.*adress-state/);
  }, { user: process.env.PGUSER }));

test("errors of PostgreSQL pass unchanged", () =>
  connected((client) =>
    actingAs(client, "desk", async () => {
      const attempt = async (text, values) => {
        await client.query("SAVEPOINT s");
        const error = await refused(client.query(text, values));
        await client.query("ROLLBACK TO SAVEPOINT s");
        return error;
      };
      const again = await attempt("INSERT INTO patient (id, resource) VALUES ('anna', $1)", [{ resourceType: "Patient", id: "anna" }]);
      assert.deepEqual([again.code, again.constraint, again.table, again.schema], ["23505", "patient_pkey", "patient", "public"]);
      const long = await attempt("UPDATE patient SET note = repeat('x', 200) WHERE id = 'anna'");
      assert.deepEqual([long.code, long.constraint], ["23514", "short_note"]);
      const unknown = await attempt("SELECT nothing FROM patient");
      assert.deepEqual([unknown.code, unknown.position], ["42703", "8"]);
      assert.equal(column(await client.query(PATIENTS)).length, 3);
    }),
  ));
