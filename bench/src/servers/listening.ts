/** Tells the starter where we listen, in the words of the product's own server, and ends in order on SIGTERM. */
export const announce = (address: string): void => {
  console.log(`listening on ${address}`);
  // A default death by signal would leave no CPU profile behind.
  process.once('SIGTERM', () => process.exit(0));
};
