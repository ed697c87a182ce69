const BROWSERS = [
  [/\bEdg(?:e|A|iOS)?\/(\d+)/, 'Edge'],
  [/\bOPR\/(\d+)/, 'Opera'],
  [/\b(?:Firefox|FxiOS)\/(\d+)/, 'Firefox'],
  [/\b(?:Headless)?Chrome\/(\d+)/, 'Chrome'],
  [/\bCriOS\/(\d+)/, 'Chrome'],
  [/\bVersion\/(\d+).*Safari/, 'Safari'],
] as const;
const SYSTEMS = [
  [/Windows/, 'Windows'],
  [/iPhone|iPad/, 'iOS'],
  [/Android/, 'Android'],
  [/Mac OS X|Macintosh/, 'macOS'],
  [/CrOS/, 'ChromeOS'],
  [/Linux/, 'Linux'],
] as const;

/** What called, in a few words: "curl 8.5", "Chrome 130 on Linux". */
export const shortAgent = (agent: string): string => {
  if (!agent.startsWith('Mozilla/')) {
    const [, name, version] = /^([^\s/(]+)(?:\/(\d+(?:\.\d+)?))?/.exec(agent) ?? [];
    return name ? [name, version].filter(Boolean).join(' ') : agent;
  }
  const system = SYSTEMS.find(([pattern]) => pattern.test(agent))?.[1];
  for (const [pattern, name] of BROWSERS) {
    const [, version] = pattern.exec(agent) ?? [];
    if (version) return `${name} ${version}${system ? ` on ${system}` : ''}`;
  }
  return system ? `A browser on ${system}` : 'A browser';
};
