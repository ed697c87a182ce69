// Preloaded into a server (NODE_OPTIONS="--import FILE"): its clock is CLOCK_SKEW_MS wrong, as clocks of machines are.
const skewMs = Number(process.env.CLOCK_SKEW_MS ?? 0);
const RightDate = Date;

globalThis.Date = new Proxy(RightDate, {
  construct: (target, args, newTarget) =>
    Reflect.construct(target, args.length === 0 ? [RightDate.now() + skewMs] : args, newTarget),
  apply: () => new RightDate(RightDate.now() + skewMs).toString(),
  get: (target, name) => (name === 'now' ? () => RightDate.now() + skewMs : Reflect.get(target, name)),
});
