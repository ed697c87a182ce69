export function Logo() {
  return (
    <svg viewBox="0 0 32 32" className="size-7 shrink-0" aria-hidden="true">
      <rect width="32" height="32" rx="8" className="fill-accent" />
      <g
        className="stroke-on-accent"
        fill="none"
        strokeWidth="3"
        strokeLinecap="round"
        strokeLinejoin="round"
      >
        <path d="M10.5 8v16" />
        <path d="M10.5 17 19 9.5" />
        <path d="m14.5 14.5 4 5" />
        <circle cx="21" cy="22" r="3.2" strokeWidth="2.6" />
      </g>
    </svg>
  );
}
