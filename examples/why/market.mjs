// An engine: state in, state out. What agents decided, and the events of their actions, come in `ctx`.
export default {
  init: (config) => ({ price: config.engine.start_price }),
  step(state, ctx) {
    let { price } = state;
    for (const [name, { action, amount }] of ctx.decisions) {
      const old = price;
      price = Math.max(1, price + (action === "buy" ? amount : -amount) / 10);
      const cause = ctx.actions.get(name);
      ctx.emit({
        event_type: "STATE",
        ...(cause === undefined ? {} : { caused_by: [cause] }),
        details: { variable_name: "price", old_value: old, new_value: price, scope: "global" },
      });
    }
    return { ...state, price };
  },
  isDone: ({ price }) => (price > 200 ? "boom" : false),
  summarize: ({ price }) => ({ final_price: price }),
};
