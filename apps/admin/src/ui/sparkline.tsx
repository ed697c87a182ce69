const WIDTH = 90;
const HEIGHT = 24;
/** The smallest bar that can still be seen. */
const SMALLEST = 1.5;

const number = new Intl.NumberFormat('en');

type SparklineProps = {
  /** Per day, the earliest first. */
  values: readonly number[];
  /** Of these, what is drawn in another colour. */
  marked: readonly number[];
  /** As in "1,204 requests in 30 days". */
  noun: string;
  markedNoun: string;
};

const sum = (values: readonly number[]) => values.reduce((all, value) => all + value, 0);

const bars = (values: readonly number[], top: number): string => {
  const step = WIDTH / values.length;
  return values
    .map((value, index) => {
      if (value === 0) return '';
      const height = Math.max((value / top) * HEIGHT, SMALLEST);
      return `M${(index * step).toFixed(2)} ${HEIGHT}v${-height.toFixed(2)}h${(step - 1).toFixed(2)}v${height.toFixed(2)}z`;
    })
    .join('');
};

/** A month in the width of a word. Two paths, so that hundreds of them scroll well. */
export function Sparkline({ values, marked, noun, markedNoun }: SparklineProps) {
  const top = Math.max(...values, 1);
  const all = sum(values);
  const some = sum(marked);
  const told = `${number.format(all)} ${noun} in ${values.length} days${some > 0 ? `, ${number.format(some)} ${markedNoun}` : ''}`;
  return (
    <span className="inline-flex flex-col gap-0.5" title={told}>
      <svg
        role="img"
        aria-label={told}
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        className="h-6 w-24"
        preserveAspectRatio="none"
      >
        <path d={`M0 ${HEIGHT - 0.5}H${WIDTH}`} className="stroke-line" strokeWidth="1" />
        <path d={bars(values, top)} className="fill-chart-served" />
        <path d={bars(marked, top)} className="fill-chart-rate-limited" />
      </svg>
    </span>
  );
}
