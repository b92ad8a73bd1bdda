import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { readLog } from "@holdfast/ndjson";
import { parseTimestamp } from "@holdfast/storage";
import type { Event } from "./events.ts";
import { type Answer, PAGE, type Question } from "./questions.ts";

/** Counts what matches by reading everything. */
export async function scan(folder: string, question: Question): Promise<number> {
  let total = 0;
  for await (const { record } of readLog(join(folder, "events.jsonl"), { exact: false })) {
    if (isAskedFor(record as Event, question)) total += 1;
  }
  return total;
}

/** Answers all questions by reading everything once. The events are in the order of their times. */
export async function scanAll(folder: string, questions: readonly Question[]): Promise<readonly Answer[]> {
  const answers = questions.map(() => ({ total: 0, ids: [] as string[] }));
  for await (const { record } of readLog(join(folder, "events.jsonl"), { exact: false })) {
    const event = record as Event;
    for (const [index, question] of questions.entries()) {
      const answer = answers[index];
      if (answer === undefined || !isAskedFor(event, question)) continue;
      const { offset = 0, newestFirst = false } = question;
      answer.total += 1;
      if (newestFirst) {
        answer.ids.unshift(event.event_id);
        answer.ids.length = Math.min(answer.ids.length, PAGE);
      } else if (answer.total > offset && answer.ids.length < PAGE) answer.ids.push(event.event_id);
    }
  }
  return answers;
}

function isAskedFor({ event_type, agent_id, turn_number, timestamp }: Event, { filter }: Question): boolean {
  const { types, agents, turnStart = 0, turnEnd = Number.MAX_VALUE, from, to } = filter;
  if (types?.includes(event_type) === false || agents?.includes(agent_id) === false) return false;
  if (turn_number < turnStart || turn_number > turnEnd) return false;
  if (from === undefined && to === undefined) return true;
  const at = parseTimestamp(timestamp);
  return (from === undefined || at >= from) && (to === undefined || at <= to);
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
