// Prepared statements follow the membership, however often they have run and whatever plan the server kept.
import assert from "node:assert/strict";
import { test } from "node:test";
import { actingAs, column, connected, nobody, PATIENTS, refused, SEEN } from "./clinic.mjs";

const patients = { name: "patients", text: "SELECT id FROM patient WHERE resource @> $1 ORDER BY id", values: [{ resourceType: "Patient" }] };

for (const mode of ["auto", "force_generic_plan", "force_custom_plan"]) {
  test(`a statement prepared once answers each membership (${mode})`, () =>
    connected(async (client) => {
      await client.query(`SET plan_cache_mode = ${mode}`);
      for (let turn = 0; turn < 12; turn++) {
        for (const [membership, seen] of Object.entries(SEEN)) {
          await actingAs(client, membership, async () => assert.deepEqual(column(await client.query(patients)), seen));
        }
      }
      const runs = await client.query("SELECT (generic_plans + custom_plans)::int FROM pg_prepared_statements WHERE name = 'patients'");
      assert.deepEqual(column(runs), [48]);
    }));
}

test("a generic plan of one membership is not used for the next", () =>
  connected((client) =>
    actingAs(client, "p1", async () => {
      for (let turn = 0; turn < 10; turn++) assert.deepEqual(column(await client.query(patients)), SEEN.p1);
      const generic = await client.query("SELECT generic_plans > 0 FROM pg_prepared_statements WHERE name = 'patients'");
      assert.deepEqual(column(generic), [true]);
      await client.query("SET LOCAL fhir_access.membership = 'p2'");
      assert.deepEqual(column(await client.query(patients)), SEEN.p2);
    }),
  ));

test("a prepared statement masks for the membership in force", () =>
  connected(async (client) => {
    const query = { name: "phone", text: "SELECT resource -> 'telecom' -> 0 ->> 'value' AS phone FROM patient WHERE id = $1", values: ["anna"] };
    const search = { name: "search", text: "SELECT id FROM patient WHERE resource @> $1", values: [{ telecom: [{ value: "555-0101" }] }] };
    for (let turn = 0; turn < 8; turn++) {
      await actingAs(client, "p1", async () => {
        assert.deepEqual(column(await client.query(query)), ["555-0101"]);
        assert.deepEqual(column(await client.query(search)), ["anna"]);
      });
      await actingAs(client, "desk", async () => {
        assert.deepEqual(column(await client.query(query)), [null]);
        assert.deepEqual(column(await client.query(search)), []);
      });
    }
  }));

test("a prepared statement is refused when the membership is gone", () =>
  connected(async (client) => {
    for (let turn = 0; turn < 8; turn++) {
      await actingAs(client, "p1", async () => assert.deepEqual(column(await client.query(patients)), SEEN.p1), { end: "COMMIT" });
      assert.equal((await refused(client.query(patients))).code, "28000");
    }
  }));

test("prepared updates follow the membership", () =>
  connected(async (client) => {
    const update = (id) => client.query({ name: "note", text: "UPDATE patient SET note = 'seen' WHERE id = $1", values: [id] });
    for (let turn = 0; turn < 8; turn++) {
      await actingAs(client, "p1", async () => {
        assert.equal((await update("anna")).rowCount, 1);
        assert.equal((await update("carla")).rowCount, 0);
      });
      await actingAs(client, "p2", async () => {
        assert.equal((await update("anna")).rowCount, 0);
        assert.equal((await update("carla")).rowCount, 1);
      });
    }
  }));

test("rollback takes the membership back, to a savepoint too", () =>
  connected(async (client) => {
    await client.query("SET fhir_access.membership = 'p2'");
    await actingAs(client, "p1", async () => {
      await client.query("SAVEPOINT s; SET LOCAL fhir_access.membership = 'desk'");
      assert.deepEqual(column(await client.query(PATIENTS)), SEEN.desk);
      await client.query("ROLLBACK TO SAVEPOINT s");
      assert.deepEqual(column(await client.query(PATIENTS)), SEEN.p1);
    });
    assert.deepEqual(column(await client.query(PATIENTS)), SEEN.p2);
  }));

test("set_session for the session", () =>
  connected(async (client) => {
    await client.query("SELECT fhir_access.set_session('p1', is_local => false)");
    assert.deepEqual(column(await client.query(PATIENTS)), SEEN.p1);
    await actingAs(client, "p2", async () => {
      const { rows } = await client.query("SELECT membership, profile, client_ip FROM fhir_access.session()");
      assert.deepEqual(rows, [{ membership: "p2", profile: "Practitioner/p2", client_ip: null }]);
    });
    assert.deepEqual(column(await client.query(PATIENTS)), SEEN.p1);
    await client.query("SELECT fhir_access.set_session(NULL, is_local => false)");
    await nobody(client);
  }));
