import assert from "node:assert/strict";
import type { LedgerEvent } from "@holdfast/ledger";
import * as fc from "fast-check";
import { describe, it } from "vitest";
import { createRedactor, REDACTED } from "./redactor.ts";

const event: LedgerEvent = {
  kind: "event",
  message_id: "m-1",
  correlation_id: "c-completed",
  task_id: "T-completed",
  from: { agent_type: "builder" },
  event: "builder.completed",
  status: "approved",
  payload: {},
  artifacts: [{ path: "src/a.mjs", sha256: `sha256:${"1234".repeat(16)}`, size: 1234 }],
  occurred_at: "2026-01-02T03:04:05.000000Z",
};
const secretSchema = fc
  .string({ minLength: 4, maxLength: 40, unit: "grapheme" })
  .filter((text) => text.trim().length >= 4 && !"[redacted]".includes(text) && !text.includes("[redacted]"));

describe("createRedactor()", () => {
  it("takes values of names that match a pattern, of four characters or more, from every environment", () => {
    const env = {
      API_TOKEN: "abcdef",
      api_key: "lower-case",
      SHORT_KEY: "abc",
      USE_KEY: "true",
      KEY: "not matched",
      TOKEN_X: "neither",
    };
    const redactor = createRedactor({ env: [env, { OTHER_SECRET: "from-config" }] });
    const text = "abcdef lower-case abc true not matched neither from-config";
    assert.equal(redactor.text(text), `${REDACTED} ${REDACTED} abc true not matched neither ${REDACTED}`);
    const own = createRedactor({ env: { KEY: "own pattern" }, patterns: ["KEY"] });
    assert.equal(own.text("an own pattern"), `an ${REDACTED}`);
  });

  it("replaces the longest of secrets that contain each other", () => {
    const redactor = createRedactor({ env: { A_KEY: "pass", B_KEY: "password-long", C_KEY: "word" } });
    assert.equal(
      redactor.text("password-long password pass"),
      `${REDACTED} ${REDACTED}${REDACTED} ${REDACTED}`,
    );
  });

  it("finds every secret in every form, wherever it stands in a text", () => {
    fc.assert(
      fc.property(secretSchema, fc.string(), fc.string(), (secret, before, after) => {
        const redactor = createRedactor({ env: { THE_SECRET: secret } });
        assert.ok(!redactor.text(before + secret + after).includes(secret));
        assert.ok(
          !redactor
            .text(JSON.stringify({ [secret]: before + secret }))
            .includes(JSON.stringify(secret).slice(1, -1)),
        );
        const url = encodeURIComponent(secret.toWellFormed());
        assert.ok(!redactor.text(`https://host/?q=${url}&x`).includes(url));
      }),
    );
  });

  it("finds a secret inside base64, whatever stands before and after it", () => {
    fc.assert(
      fc.property(
        fc.string({ minLength: 9, maxLength: 40 }),
        fc.string(),
        fc.string(),
        (secret, before, after) => {
          if (secret.trim().length < 9) return;
          const redactor = createRedactor({ env: { THE_TOKEN: secret } });
          for (const encoding of ["base64", "base64url"] as const) {
            const encoded = Buffer.from(before + secret + after).toString(encoding);
            const kept = redactor.text(encoded).split(REDACTED);
            assert.ok(kept.length >= 2);
            // What is left are the ends, whose characters mix the secret with its neighbours.
            const decoded = kept.map((part) => Buffer.from(part, encoding).toString("latin1")).join("");
            assert.ok(!decoded.includes(Buffer.from(secret).toString("latin1")));
          }
        },
      ),
    );
  });

  it("finds the lines of a secret of several lines one by one", () => {
    const redactor = createRedactor({
      env: { TLS_KEY: "-----BEGIN KEY-----\nMIIEvQIBADANBg\nkqhkiG9w0BAQ\n-----END KEY-----\n" },
    });
    assert.equal(redactor.text("line: MIIEvQIBADANBg"), `line: ${REDACTED}`);
    assert.equal(redactor.text("kqhkiG9w0BAQ"), REDACTED);
  });

  it("replaces in keys and values at any depth, keeps everything else, and gives the same object when nothing is secret", () => {
    const redactor = createRedactor({ env: { A_TOKEN: "hunter22" } });
    const value = JSON.parse(
      '{"a":["x hunter22",{"hunter22":1,"__proto__":"hunter22"}],"n":1,"b":true,"z":null}',
    );
    const redacted = redactor.value(value);
    assert.equal(
      JSON.stringify(redacted),
      `{"a":["x ${REDACTED}",{"${REDACTED}":1,"__proto__":"${REDACTED}"}],"n":1,"b":true,"z":null}`,
    );
    const clean = { a: [1, { b: "c" }] };
    assert.equal(redactor.value(clean), clean);
    assert.equal(redactor.message(event), event);
  });

  it("replaces a number that is a secret", () => {
    assert.deepEqual(
      createRedactor({ env: { PIN_KEY: "123456" } }).value({ pin: 123_456, size: 1_234_567 }),
      {
        pin: REDACTED,
        size: 1_234_567,
      },
    );
  });

  it("keeps what the protocol says of a message, whatever the secrets are", () => {
    const env = {
      A_KEY: "completed",
      B_KEY: "approved",
      C_KEY: "1234",
      D_KEY: "event",
      E_KEY: "payload",
      F_KEY: "builder",
      G_KEY: "sha256",
    };
    const redactor = createRedactor({ env });
    const redacted = redactor.message({ ...event, payload: { note: "completed by builder" } });
    assert.deepEqual(redacted, { ...event, payload: { note: `${REDACTED} by ${REDACTED}` } });
  });

  it("clips without leaving a part of a secret, however the cut falls", () => {
    const secret = "s3cr3t-value-of-some-length";
    const redactor = createRedactor({ env: { A_TOKEN: secret } });
    fc.assert(
      fc.property(fc.nat(100), fc.nat(150), (before, max) => {
        const clipped = redactor.clip(`${"x".repeat(before)}${secret}${"y".repeat(50)}`, max);
        assert.ok(clipped.length <= max);
        assert.ok(!/s3c|val|len/.test(clipped));
        assert.ok(`${"x".repeat(before)}${REDACTED}${"y".repeat(50)}`.startsWith(clipped));
      }),
    );
    assert.equal(createRedactor({ env: {} }).clip("abc", 2), "ab");
  });

  it("takes characters of regular expressions as they are", () => {
    fc.assert(
      fc.property(
        fc.string({ minLength: 4, unit: fc.constantFrom(...Array.from("\\^$.*+?()[]{}|/-a&#")) }),
        (secret) => {
          if (secret.trim().length < 4) return;
          assert.equal(createRedactor({ env: { A_KEY: secret } }).text(`<${secret}>`), `<${REDACTED}>`);
        },
      ),
    );
  });
});
