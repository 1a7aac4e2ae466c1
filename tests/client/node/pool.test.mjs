// A pool of connections used by two memberships in turn: nothing is carried over.
import assert from "node:assert/strict";
import { test } from "node:test";
import pg from "pg";
import { actingAs, column, nobody, PATIENTS, refused, SEEN } from "./clinic.mjs";

async function pooled(max, work) {
  const pool = new pg.Pool({ user: "driver", max });
  try {
    await work(pool);
  } finally {
    await pool.end();
  }
}

async function borrowed(pool, work) {
  const client = await pool.connect();
  try {
    return await work(client);
  } finally {
    client.release();
  }
}

for (const max of [1, 3]) {
  for (const end of ["COMMIT", "ROLLBACK"]) {
    test(`memberships in turn (${max} connections, ${end})`, () =>
      pooled(max, async (pool) => {
        for (let turn = 0; turn < 20; turn++) {
          const membership = ["p1", "p2"][turn % 2];
          await borrowed(pool, async (client) => {
            await nobody(client);
            const query = { name: "patients", text: PATIENTS };
            await actingAs(client, membership, async () => assert.deepEqual(column(await client.query(query)), SEEN[membership]), { end });
            await nobody(client);
            assert.equal((await refused(client.query(query))).code, "28000");
          });
        }
      }));
  }
}

test("a failed statement carries nothing over", () =>
  pooled(1, async (pool) => {
    for (let turn = 0; turn < 8; turn++) {
      await borrowed(pool, (client) =>
        actingAs(client, "anna", async () => {
          const error = await refused(client.query("UPDATE patient SET note = 'x' WHERE id = 'anna'"));
          assert.equal(error.code, "42501");
        }, { end: "COMMIT" }),
      );
      await borrowed(pool, nobody);
    }
  }));

test("many at the same time", () =>
  pooled(4, async (pool) => {
    const work = (number) => {
      const membership = ["p1", "p2"][number % 2];
      return borrowed(pool, (client) =>
        actingAs(client, membership, async () => assert.deepEqual(column(await client.query(PATIENTS)), SEEN[membership]), { end: "COMMIT" }),
      );
    };
    await Promise.all(Array.from({ length: 200 }, (_, number) => work(number)));
  }));
