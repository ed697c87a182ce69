import { useId } from 'react';
import { cn } from './cn.ts';

type MeterProps = {
  label: string;
  value: number;
  max: number;
  /** The value in words. */
  text: string;
};

const HIGH = 0.8;

/** How much of something is taken. */
export function Meter({ label, value, max, text }: MeterProps) {
  const id = useId();
  const share = max > 0 ? Math.min(value / max, 1) : 0;
  return (
    <div>
      <div className="mb-1.5 flex flex-wrap justify-between gap-x-4 text-[0.8125rem]">
        <span id={id} className="font-medium">
          {label}
        </span>
        <span className="text-ink-muted tabular-nums">{text}</span>
      </div>
      {/* biome-ignore lint/a11y/useSemanticElements: browsers draw a <meter> as they like */}
      <div
        role="meter"
        aria-labelledby={id}
        aria-valuemin={0}
        aria-valuemax={max}
        aria-valuenow={Math.min(value, max)}
        aria-valuetext={text}
        className="h-2 overflow-hidden rounded-full bg-quiet-soft forced-colors:border"
      >
        <div
          className={cn(
            'h-full rounded-full forced-colors:bg-[Highlight]',
            share >= 1 ? 'bg-danger' : share >= HIGH ? 'bg-chart-rate-limited' : 'bg-chart-served',
          )}
          style={{ width: `${share * 100}%` }}
        />
      </div>
    </div>
  );
}
