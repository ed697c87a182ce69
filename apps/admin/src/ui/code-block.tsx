import { CopyButton } from './copy-button.tsx';

type CodeBlockProps = { code: string; what: string };

export function CodeBlock({ code, what }: CodeBlockProps) {
  return (
    <div className="overflow-hidden rounded-lg border border-line bg-sunken">
      <div className="flex items-center justify-between border-b border-line py-1.5 pr-1.5 pl-4">
        <span className="text-xs font-medium text-ink-muted">{what}</span>
        <CopyButton text={code} what={what} />
      </div>
      <section
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
        tabIndex={0}
        aria-label={what}
        className="overflow-x-auto p-4 focus-visible:outline-offset-[-2px]"
      >
        <pre className="font-mono text-[0.8125rem] leading-relaxed">
          <code>{code}</code>
        </pre>
      </section>
    </div>
  );
}
