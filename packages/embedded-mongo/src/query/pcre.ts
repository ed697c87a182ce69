import { ServerError } from '../errors.ts';

/** Translates a regular expression of PCRE, as MongoDB takes them, to JavaScript's. What has no counterpart is refused. */

const SPACE = '\\t\\n\\v\\f\\r ';
const BLANK = '\\t \\xa0\\u1680\\u180e\\u2000-\\u200a\\u202f\\u205f\\u3000';
const NEWLINE = '(?:\\r\\n|[\\n\\v\\f\\r\\x85\\u2028\\u2029])';
const END = '(?![^])';

const POSIX: Record<string, string> = {
  alpha: 'A-Za-z',
  digit: '0-9',
  alnum: 'A-Za-z0-9',
  upper: 'A-Z',
  lower: 'a-z',
  space: SPACE,
  blank: '\\t ',
  punct: '!-\\/:-@\\[-`{-~',
  xdigit: '0-9A-Fa-f',
  word: 'A-Za-z0-9_',
  cntrl: '\\x00-\\x1f\\x7f',
  print: '\\x20-\\x7e',
  graph: '\\x21-\\x7e',
};

/** Unicode's general categories; other names in `\p{}` are scripts. */
const CATEGORY = /^(C[cfnos]?|L[lmotu]?|M[cen]?|N[dlo]?|P[cdefios]?|S[ckmo]?|Z[lps]?)$/;

class Translator {
  readonly #text: string;
  #at = 0;
  #multiline: boolean;
  #dotAll: boolean;
  #extended: boolean;
  ignoreCase: boolean;

  constructor(text: string, flags: string) {
    this.#text = text;
    this.#multiline = flags.includes('m');
    this.#dotAll = flags.includes('s');
    this.#extended = flags.includes('x');
    this.ignoreCase = flags.includes('i');
  }

  #refuse(what: string): never {
    throw new ServerError(51091, `Regular expression is invalid: ${what}`);
  }

  #take(pattern: RegExp): RegExpExecArray | undefined {
    const sticky = new RegExp(pattern.source, `${pattern.flags}y`);
    sticky.lastIndex = this.#at;
    const found = sticky.exec(this.#text);
    if (!found) return undefined;
    this.#at = sticky.lastIndex;
    return found;
  }

  translate(): string {
    for (let flags = this.#take(/\(\?([imsx]+)\)/); flags; flags = this.#take(/\(\?([imsx]+)\)/)) {
      const given = flags[1] ?? '';
      this.#multiline ||= given.includes('m');
      this.#dotAll ||= given.includes('s');
      this.#extended ||= given.includes('x');
      this.ignoreCase ||= given.includes('i');
    }
    let out = '';
    while (this.#at < this.#text.length) out += this.#item();
    return out;
  }

  #item(): string {
    if (this.#extended && this.#take(/\s+|#[^\n]*(\n|$)/)) return '';
    if (this.#take(/\(\?#[^)]*\)/)) return '';
    if (this.#take(/\.(?!\+\+)/)) return this.#dotAll ? '[^]' : '[^\\n]';
    if (this.#take(/\^/)) return this.#multiline ? '(?<![^\\n])' : '(?<![^])';
    if (this.#take(/\$/)) return this.#multiline ? `(?=\\n|${END})` : `(?=\\n?${END})`;
    if (this.#take(/\[/)) return this.#set();
    if (this.#take(/\\/)) return this.#escape(false);
    if (this.#text[this.#at] === '(') return this.#group();
    const quantifier = this.#take(/(?:[*+?]|\{\d+(?:,\d*)?\})/);
    if (quantifier) {
      if (this.#text[this.#at] === '+') this.#refuse('possessive quantifiers are not supported');
      return quantifier[0] + (this.#take(/\?/)?.[0] ?? '');
    }
    const point = String.fromCodePoint(this.#text.codePointAt(this.#at) ?? 0);
    this.#at += point.length;
    return /[{}\]/]/.test(point) ? `\\${point}` : point;
  }

  #group(): string {
    const named = this.#take(/\(\?(?:P?<([A-Za-z_]\w*)>|'([A-Za-z_]\w*)')/);
    if (named) return `(?<${named[1] ?? named[2]}>`;
    const back = this.#take(/\(\?P=([A-Za-z_]\w*)\)/);
    if (back) return `\\k<${back[1]}>`;
    const known = this.#take(/\((?:\?(?:[:=!]|<[=!]))?(?![?*])/);
    if (known) return known[0];
    this.#refuse(`the group at ${this.#text.slice(this.#at, this.#at + 5)} is not supported`);
  }

  #escape(inSet: boolean): string {
    if (this.#at >= this.#text.length) this.#refuse('\\ at end of pattern');
    const quoted = this.#take(/Q([\s\S]*?)(?:\\E|$)/);
    if (quoted) return (quoted[1] ?? '').replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
    if (this.#take(/E/)) return '';
    const code = this.#take(/x\{([0-9a-fA-F]+)\}/) ?? this.#take(/x([0-9a-fA-F]{0,2})/);
    if (code) return `\\u{${code[1] || '0'}}`;
    const octal = this.#take(/o\{([0-7]+)\}/) ?? this.#take(/(0[0-7]{0,2})/);
    if (octal) return `\\u{${Number.parseInt(octal[1] ?? '0', 8).toString(16)}}`;
    const property = this.#take(/([pP])(?:\{(\^?)(\w+)\}|([A-Z]))/);
    if (property) return this.#property(property);
    const control = this.#take(/c([A-Za-z])/);
    if (control) return `\\c${control[1]}`;
    if (!inSet) {
      const back =
        this.#take(/([1-9]\d?)/) ??
        this.#take(/g(?:\{(\d+)\}|(\d+))/) ??
        this.#take(/k(?:<(\w+)>|\{(\w+)\}|'(\w+)')/);
      if (back) {
        const name = back.slice(1).find((part) => part !== undefined) ?? '';
        return /^\d/.test(name) ? `(?:\\${name})` : `\\k<${name}>`;
      }
    }
    const [letter = ''] = this.#take(/[\s\S]/u) ?? [];
    return this.#letter(letter, inSet);
  }

  #letter(letter: string, inSet: boolean): string {
    switch (letter) {
      case 'A':
        return '(?<![^])';
      case 'z':
        return END;
      case 'Z':
        return `(?=\\n?${END})`;
      case 'a':
        return '\\x07';
      case 'e':
        return '\\x1b';
      case 's':
        return inSet ? SPACE : `[${SPACE}]`;
      case 'S':
        return inSet ? '\\S' : `[^${SPACE}]`;
      case 'h':
        return inSet ? BLANK : `[${BLANK}]`;
      case 'H':
        if (!inSet) return `[^${BLANK}]`;
        break;
      case 'v':
        return inSet ? '\\n\\v\\f\\r\\x85\\u2028\\u2029' : '[\\n\\v\\f\\r\\x85\\u2028\\u2029]';
      case 'R':
        return NEWLINE;
      case 'N':
        return '[^\\n]';
      case 'b':
      case 'B':
      case 'd':
      case 'D':
      case 'w':
      case 'W':
      case 'n':
      case 'r':
      case 't':
      case 'f':
        return `\\${letter}`;
      default:
        if (!/[A-Za-z0-9]/.test(letter))
          return /[\\^$.*+?()[\]{}|/]/.test(letter) || (inSet && letter === '-') ? `\\${letter}` : letter;
    }
    this.#refuse(`unrecognized character follows \\: ${letter}`);
  }

  #property([, kind = 'p', inverted, long, short]: RegExpExecArray): string {
    const name = long ?? short ?? '';
    const negative = (kind === 'P') !== (inverted === '^');
    const value = name === 'Any' || name === 'L&' || CATEGORY.test(name) ? name : `Script=${name}`;
    return `\\${negative ? 'P' : 'p'}{${value}}`;
  }

  #set(): string {
    let out = this.#take(/\^/) ? '[^' : '[';
    if (this.#take(/\]/)) out += '\\]';
    for (;;) {
      if (this.#at >= this.#text.length) this.#refuse('missing terminating ] for character class');
      if (this.#take(/\]/)) return `${out}]`;
      const named = this.#take(/\[:(\^?)([a-z]+):\]/);
      if (named) {
        const set = POSIX[named[2] ?? ''];
        if (set === undefined || named[1]) this.#refuse(`unknown POSIX class name ${named[2]}`);
        out += set;
      } else if (this.#take(/\\/)) out += this.#escape(true);
      else {
        const [point = ''] = this.#take(/[\s\S]/u) ?? [];
        out +=
          point === '-' && !this.#isRange(out) ? '\\-' : /[[\]{}()|/]/.test(point) ? `\\${point}` : point;
      }
    }
  }

  /** A hyphen at either end of a class, or next to one like `\d`, is itself. */
  #isRange(before: string): boolean {
    const next = this.#text[this.#at];
    return (
      !/^\[\^?$|\\[dDwWsSpP](\{[^}]*\})?$/.test(before) &&
      next !== ']' &&
      !/\\[dDwWsSpPhHv]/.test(this.#text.slice(this.#at, this.#at + 2))
    );
  }
}

const FLAGS = /^[imsxu]*$/;
const COMPILED = new Map<string, RegExp>();

/** As `RegExp`, for a pattern and options in MongoDB's language. */
export function toRegExp(pattern: string, flags: string, more = ''): RegExp {
  const key = `${flags}/${more}/${pattern}`;
  const known = COMPILED.get(key);
  if (known) return known;
  if (!FLAGS.test(flags)) throw new ServerError(51108, `invalid flag in regex options: ${flags}`);
  if (pattern.includes('\0'))
    throw new ServerError('BadValue', 'Regular expression cannot contain an embedded null byte');
  const translator = new Translator(pattern, flags);
  const source = translator.translate();
  let compiled: RegExp;
  try {
    compiled = new RegExp(source, `${translator.ignoreCase ? 'i' : ''}u${more}`);
  } catch (error) {
    throw new ServerError(51091, `Regular expression is invalid: ${(error as Error).message}`);
  }
  if (COMPILED.size > 200) COMPILED.clear();
  COMPILED.set(key, compiled);
  return compiled;
}
