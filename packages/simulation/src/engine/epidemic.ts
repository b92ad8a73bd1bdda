import * as z from "zod";
import type { Random } from "../state/random.ts";
import { contactNetwork } from "./contact-network.ts";
import type { Engine, TurnContext } from "./engine.ts";

const chance = (): z.ZodNumber => z.number().min(0, "must be 0 or more").max(1, "must be at most 1");

/** Parameters of the engine `epidemic`. */
export const epidemicSchema = z.strictObject({
  type: z.literal("epidemic"),
  model: z
    .enum(["sir", "seir"])
    .default("sir")
    .describe("seir: who is infected is exposed before infectious"),
  population: z
    .int()
    .min(1, "must be a positive integer")
    .max(1_000_000, "must be at most 1,000,000")
    .default(1000)
    .describe("People, when the config lists no agents"),
  contacts: z
    .int()
    .min(0)
    .max(1000)
    .default(8)
    .describe("Contacts of a person on average; an odd number counts as the even one below"),
  rewiring: chance().default(0.1).describe("Share of contacts that are with anybody instead of neighbours"),
  initial_infected: z
    .int()
    .min(0)
    .default(5)
    .describe("People infected before the first turn, when no agent says so"),
  transmission_rate: chance().default(0.05).describe("Chance of infecting a contact each turn"),
  incubation_rate: chance().default(0.2).describe("seir: chance of becoming infectious each turn"),
  recovery_rate: chance().default(0.1).describe("Chance of recovering each turn"),
});

/** What `epidemic` takes of an agent. */
export const epidemicAgentSchema = z.strictObject({
  name: z.string(),
  type: z.literal("person").optional(),
  status: z
    .enum(["susceptible", "exposed", "infected", "recovered"])
    .optional()
    .describe("Before the first turn"),
});

type Status = "susceptible" | "exposed" | "infected" | "recovered";

interface Person {
  readonly id: number;
  readonly name?: string;
  status: Status;
  /** Turn the status is from. */
  since: number;
  readonly contacts: readonly number[];
}

type Counts = Readonly<Record<Status, number>>;

interface EpidemicState {
  readonly turn: number;
  readonly people: readonly Person[];
  readonly counts: Counts;
  readonly peak_infected: number;
  readonly [key: string]: unknown;
}

const STATUSES: readonly Status[] = ["susceptible", "exposed", "infected", "recovered"];

function countsOf(people: readonly Person[]): Counts {
  const counts = { susceptible: 0, exposed: 0, infected: 0, recovered: 0 };
  for (const { status } of people) counts[status] += 1;
  return counts;
}

/** Infects as many as the config says, drawn among those who are susceptible. */
function infectFirst(people: readonly Person[], count: number, random: Random): void {
  const susceptible = people.filter(({ status }) => status === "susceptible");
  for (let left = Math.min(count, susceptible.length); left > 0; left -= 1) {
    const [person] = susceptible.splice(random.int(0, susceptible.length - 1), 1);
    if (person !== undefined) person.status = "infected";
  }
}

/** Who is infected this turn, by those who were infectious before it. */
function infections(people: readonly Person[], rate: number, random: Random): ReadonlySet<Person> {
  const infected = new Set<Person>();
  for (const person of people) {
    if (person.status !== "infected") continue;
    for (const id of person.contacts) {
      const contact = people[id];
      if (contact?.status === "susceptible" && !infected.has(contact) && random() < rate)
        infected.add(contact);
    }
  }
  return infected;
}

function tellCounts(before: Counts, after: Counts, ctx: TurnContext): void {
  for (const status of STATUSES) {
    if (before[status] === after[status]) continue;
    ctx.emit({
      event_type: "STATE",
      details: {
        variable_name: status,
        old_value: before[status],
        new_value: after[status],
        scope: "global",
      },
    });
  }
}

/**
 * People on a seeded network of contacts who infect each other: SIR, or SEIR with an exposed stage. Everybody is looked at in the order of
 * their ids, so that the random numbers alone decide. The run ends when nobody is infected or exposed, or when the number of infected leaves
 * `termination`.
 */
export const epidemicEngine: Engine<EpidemicState> = {
  countAgents: ({ engine }) => epidemicSchema.parse(engine).population,
  init(config, ctx) {
    const { population, contacts, rewiring, initial_infected } = epidemicSchema.parse(config.engine);
    const listed = config.agents.map((agent) => epidemicAgentSchema.loose().parse(agent));
    const size = listed.length > 0 ? listed.length : population;
    const network = contactNetwork(size, { contacts, rewiring }, ctx.random);
    const people = network.map((known, id): Person => {
      const agent = listed[id];
      return {
        id,
        ...(agent === undefined ? {} : { name: agent.name }),
        status: agent?.status ?? "susceptible",
        since: 0,
        contacts: known,
      };
    });
    if (listed.every(({ status }) => status === undefined)) infectFirst(people, initial_infected, ctx.random);
    const counts = countsOf(people);
    return { people, counts, peak_infected: counts.infected };
  },
  step(state, ctx) {
    const { model, transmission_rate, incubation_rate, recovery_rate } = epidemicSchema.parse(
      ctx.config.engine,
    );
    const { people } = state;
    const infected = infections(people, transmission_rate, ctx.random);
    for (const person of people) {
      const next = infected.has(person)
        ? model === "seir"
          ? "exposed"
          : "infected"
        : person.status === "exposed" && ctx.random() < incubation_rate
          ? "infected"
          : person.status === "infected" && ctx.random() < recovery_rate
            ? "recovered"
            : person.status;
      if (next === person.status) continue;
      person.status = next;
      person.since = ctx.turn;
    }
    const counts = countsOf(people);
    tellCounts(state.counts, counts, ctx);
    return { people, counts, peak_infected: Math.max(state.peak_infected, counts.infected) };
  },
  isDone({ counts }, { simulation }) {
    if (counts.infected + counts.exposed === 0) return "no_infections";
    const { min_value = -Infinity, max_value = Infinity } = simulation.termination ?? {};
    if (counts.infected < min_value) return "min_value";
    return counts.infected > max_value ? "max_value" : undefined;
  },
  summarize: ({ counts, peak_infected, people }) => ({
    ...counts,
    peak_infected,
    attack_rate: (people.length - counts.susceptible) / people.length,
  }),
};
