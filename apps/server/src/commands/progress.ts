/** What is needed of standard output. */
export type Screen = {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
};

const BAR = 24;
const REDRAW_MS = 100;

/** A bar that redraws itself on a terminal; elsewhere a plain line at every tenth. */
export class Progress {
  readonly #screen: Screen;
  readonly #now: () => number;
  #drawnAt = -Infinity;
  #tenth = 0;

  constructor(screen: Screen, now: () => number = () => performance.now()) {
    this.#screen = screen;
    this.#now = now;
  }

  /** `part`: from 0 to 1. */
  update(part: number, text: string): void {
    const percent = `${String(Math.floor(part * 100)).padStart(3)} %`;
    if (!this.#screen.isTTY) {
      const tenth = Math.floor(part * 10);
      if (tenth <= this.#tenth) return;
      this.#tenth = tenth;
      this.#screen.write(`${percent}  ${text}\n`);
      return;
    }
    const now = this.#now();
    if (part < 1 && now - this.#drawnAt < REDRAW_MS) return;
    this.#drawnAt = now;
    const done = Math.round(part * BAR);
    const line = `[${'#'.repeat(done)}${'.'.repeat(BAR - done)}] ${percent}  ${text}`;
    this.#screen.write(`\r\u001b[K${line.slice(0, Math.max(20, (this.#screen.columns ?? 80) - 1))}`);
  }

  /** Takes the bar away, so that what follows stands on a line of its own. */
  end(): void {
    if (this.#screen.isTTY) this.#screen.write('\r\u001b[K');
  }
}
