// An engine whose events name their causes: the weather changes the harvest, the harvest fills the store, and what the miller
// then does makes the price. What caused a value is carried in the state, from one turn to the next.

export const engineSchema = {
  type: "object",
  properties: { drought: { type: "number", minimum: 0, maximum: 1, default: 0.2 } },
  additionalProperties: false,
};

export default {
  init: () => ({ grain: 100, bread: 20, price: 5, because: {} }),

  step(state, ctx) {
    const because = { ...state.because };
    /** Tells that a value changed, and remembers the event as the cause of what follows. */
    const change = (name, value, causes) => {
      if (value === state[name]) return value;
      because[name] = ctx.emit({
        event_type: "STATE",
        caused_by: causes.filter((id) => id !== undefined),
        details: { variable_name: name, old_value: state[name], new_value: value, scope: "global" },
      });
      return value;
    };

    const dry = ctx.random() < ctx.config.engine.drought;
    const harvest = dry ? ctx.random.int(0, 10) : ctx.random.int(25, 45);
    const weather = ctx.emit({
      event_type: "DETAIL",
      description: dry ? "a drought" : "rain in time",
      details: { calculation_type: "harvest", intermediate_values: { dry, sacks: harvest } },
    });

    const milled = ctx.decisions.get("miller")?.sacks ?? 0;
    const act = ctx.actions.get("miller");
    const grain = change("grain", state.grain + harvest - milled, [weather, milled > 0 ? act : undefined]);
    // What the miller saw when deciding was the store as the turn before had left it.
    const bread = change("bread", Math.max(0, state.bread + milled - 25), [act, state.because.grain]);
    const price = change("price", bread > 30 ? 4 : bread > 10 ? 6 : 9, [because.bread]);
    return { grain, bread, price, because: clean(because) };
  },

  summarize: ({ price, bread }) => ({ price, bread }),
};

/** A state is plain JSON: an event that was not kept has no id. */
function clean(because) {
  return Object.fromEntries(Object.entries(because).filter(([, id]) => id !== undefined));
}
