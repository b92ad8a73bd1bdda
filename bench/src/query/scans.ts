import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { readLog } from "@holdfast/ndjson";
import type { Event } from "./events.ts";
import { PAGE, type Question } from "./questions.ts";

/** Counts what matches by reading everything. */
export async function scan(folder: string, { filter }: Question): Promise<number> {
  let total = 0;
  for await (const { record } of readLog(join(folder, "events.jsonl"), { exact: false })) {
    const { event_type, agent_id, turn_number } = record as Event;
    if (filter.types?.includes(event_type) === false || filter.agents?.includes(agent_id) === false) continue;
    if (turn_number < (filter.turnStart ?? 0) || turn_number > (filter.turnEnd ?? Number.MAX_VALUE)) continue;
    total += 1;
  }
  return total;
}

function list(texts: readonly string[]): string {
  return texts.map((text) => `'${text}'`).join();
}

/** Counts what matches, and makes a page, with DuckDB over the files. */
export async function duckScan(folder: string, { filter }: Question): Promise<number> {
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  try {
    const columns =
      "{event_id: 'VARCHAR', event_type: 'VARCHAR', agent_id: 'VARCHAR', turn_number: 'BIGINT', timestamp: 'VARCHAR'}";
    const terms = [
      filter.types === undefined ? "true" : `event_type IN (${list(filter.types)})`,
      filter.agents === undefined ? "true" : `agent_id IN (${list(filter.agents)})`,
      `turn_number BETWEEN ${filter.turnStart ?? 0} AND ${filter.turnEnd ?? Number.MAX_SAFE_INTEGER}`,
    ];
    const source = `read_json('${folder}/*.jsonl', format = 'newline_delimited', columns = ${columns})`;
    const where = terms.join(" AND ");
    await connection.runAndReadAll(
      `SELECT event_id FROM ${source} WHERE ${where} ORDER BY timestamp, event_id LIMIT ${PAGE}`,
    );
    const counted = await connection.runAndReadAll(`SELECT count(*) AS n FROM ${source} WHERE ${where}`);
    return Number(counted.getRowObjects()[0]?.["n"]);
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}
