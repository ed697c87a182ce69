let turn: Promise<void> | null = null;

/**
 * When the event loop has done what it is at; shared by all who wait for it. Requests that were looked up together are
 * worked on one after the other and answered together: a reader that sleeps is then woken up once, not for every single
 * answer, which costs more than the answer (decision 5).
 */
export const endOfTurn = (): Promise<void> => {
  turn ??= new Promise((resolve) => {
    setImmediate(() => {
      turn = null;
      resolve();
    });
  });
  return turn;
};
