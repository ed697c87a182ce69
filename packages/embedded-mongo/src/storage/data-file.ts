import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

/**
 * A look at LMDB's file from outside. LMDB trusts its file: a cut or overwritten one makes it read past the end or
 * follow a wrong number, and the process is gone with no word of why. So the file is looked at before it is opened,
 * and page by page when it is to be checked.
 *
 * The layout is LMDB's (`mdb.c`): two meta pages, of which the newer one counts; trees of branch, leaf and overflow
 * pages; 24 bytes of header on each page.
 */

/** The data file is not what was written. */
export class DamagedDataError extends Error {
  override readonly name = 'DamagedDataError';
}

const HEADER = 24;
const MAGIC = 0xbeefc0de;
const VERSION = 2;
const BRANCH = 0x01;
const LEAF = 0x02;
const OVERFLOW = 0x04;
const META = 0x08;
const BIG_VALUE = 0x01;
const META_PAGES = 2;
/** Offsets in a meta page. */
const TREES_AT = HEADER + 24;
const TREE_BYTES = 48;
const LAST_PAGE_AT = TREES_AT + 2 * TREE_BYTES;
const TRANSACTION_AT = LAST_PAGE_AT + 8;
const NO_PAGE = 0xffff_ffff_ffff_ffffn;

interface Tree {
  name: string;
  root: number | undefined;
  depth: number;
}

interface Meta {
  transaction: bigint;
  pageSize: number;
  lastPage: number;
  trees: Tree[];
}

export class DataFile {
  readonly #file: number;
  readonly #path: string;
  readonly #meta: Meta;

  /** Throws a `DamagedDataError` if it cannot be the file that LMDB wrote. */
  constructor(path: string) {
    this.#path = path;
    this.#file = openSync(path, 'r');
    try {
      this.#meta = this.#newestMeta();
    } catch (error) {
      this.close();
      throw error;
    }
  }

  close(): void {
    closeSync(this.#file);
  }

  #damaged(what: string): DamagedDataError {
    return new DamagedDataError(`${this.#path} is damaged: ${what}`);
  }

  #bytes(position: number, length: number): Buffer {
    const bytes = Buffer.allocUnsafe(length);
    const read = readSync(this.#file, bytes, 0, length, position);
    if (read < length) throw this.#damaged(`it ends at byte ${position + read}, in the middle of its data`);
    return bytes;
  }

  #newestMeta(): Meta {
    const first = this.#meta0(0, this.#bytes(0, TRANSACTION_AT + 8));
    const second = this.#meta0(1, this.#bytes(first.pageSize, TRANSACTION_AT + 8));
    if (second.pageSize !== first.pageSize) throw this.#damaged('its two heads disagree');
    return second.transaction > first.transaction ? second : first;
  }

  #meta0(number: number, page: Buffer): Meta {
    const pageSize = page.readUInt32LE(TREES_AT);
    const known =
      page.readBigUInt64LE(0) === BigInt(number) &&
      page.readUInt16LE(18) === META &&
      page.readUInt32LE(HEADER) === MAGIC &&
      page.readUInt32LE(HEADER + 4) === VERSION &&
      pageSize >= 256 &&
      pageSize <= 65_536 &&
      (pageSize & (pageSize - 1)) === 0;
    if (!known) throw this.#damaged(`head ${number + 1} of 2 is overwritten`);
    const trees = ['free pages', 'data'].map((name, i): Tree => {
      const at = TREES_AT + i * TREE_BYTES;
      const root = page.readBigUInt64LE(at + 40);
      return { name, root: root === NO_PAGE ? undefined : Number(root), depth: page.readUInt16LE(at + 6) };
    });
    return {
      transaction: page.readBigUInt64LE(TRANSACTION_AT),
      pageSize,
      lastPage: Number(page.readBigUInt64LE(LAST_PAGE_AT)),
      trees,
    };
  }

  /** Looks at the pages that lead to others, and whether what they lead to is in the file. Takes no time. */
  checkBranches(): void {
    for (const _page of this.#walk(false)) {
      // Each step has thrown if there was something to say.
    }
  }

  /** Looks at every page; throws at the first that is damaged. Pauses now and then. */
  *checkPages(): Generator<undefined, void, undefined> {
    let pages = 0;
    for (const _page of this.#walk(true)) if (++pages % 64 === 0) yield;
  }

  /** Goes down the trees; with `leaves` also into the lowest level and the long values. */
  *#walk(leaves: boolean): Generator<undefined, void, undefined> {
    const pages = Math.floor(fstatSync(this.#file).size / this.#meta.pageSize);
    for (const tree of this.#meta.trees) {
      if (tree.root === undefined) continue;
      if (tree.depth < 1 || tree.depth > 64) throw this.#damaged(`the tree of ${tree.name} has no depth`);
      const waiting = [{ number: tree.root, level: tree.depth }];
      for (let next = waiting.pop(); next; next = waiting.pop()) {
        const { number, level } = next;
        this.#refuseOutside(number, pages);
        if (level === 1 && !leaves) continue;
        const page = this.#page(number, level > 1 ? BRANCH : LEAF);
        for (const node of this.#nodes(page, number)) {
          if (level > 1) waiting.push({ number: childOf(page, node), level: level - 1 });
          else this.#checkLeafNode(page, node, number, pages);
        }
        yield;
      }
    }
  }

  #refuseOutside(number: number, pages: number): void {
    if (number < META_PAGES || number > this.#meta.lastPage)
      throw this.#damaged(`something leads to page ${number}, which there never was`);
    if (number >= pages)
      throw this.#damaged(`it is cut off: it has ${pages} pages, but page ${number} is in use`);
  }

  #page(number: number, kind: number): Buffer {
    const page = this.#bytes(number * this.#meta.pageSize, this.#meta.pageSize);
    if (page.readBigUInt64LE(0) !== BigInt(number) || (page.readUInt16LE(18) & 0x0f) !== kind)
      throw this.#damaged(`page ${number} is overwritten`);
    return page;
  }

  /** Where the nodes of a page are. */
  *#nodes(page: Buffer, number: number): Generator<number> {
    // Offsets count from the end of the header.
    const lower = page.readUInt16LE(20);
    const upper = page.readUInt16LE(22);
    if (lower > upper || upper > page.length - HEADER) throw this.#damaged(`page ${number} is overwritten`);
    for (let at = 0; at < lower; at += 2) {
      const offset = page.readUInt16LE(HEADER + at);
      const node = HEADER + offset;
      if (offset < upper || node + 8 > page.length) throw this.#damaged(`page ${number} is overwritten`);
      yield node;
    }
  }

  #checkLeafNode(page: Buffer, node: number, number: number, pages: number): void {
    const size = page.readUInt32LE(node);
    const valueAt = node + 8 + page.readUInt16LE(node + 6);
    const big = (page.readUInt16LE(node + 4) & BIG_VALUE) !== 0;
    if (valueAt + (big ? 8 : size) > page.length) throw this.#damaged(`page ${number} is overwritten`);
    if (!big) return;
    const first = Number(page.readBigUInt64LE(valueAt));
    const last = first + Math.ceil((HEADER + size) / this.#meta.pageSize) - 1;
    this.#refuseOutside(first, pages);
    this.#refuseOutside(last, pages);
    const head = this.#bytes(first * this.#meta.pageSize, HEADER);
    if (head.readBigUInt64LE(0) !== BigInt(first) || (head.readUInt16LE(18) & OVERFLOW) === 0)
      throw this.#damaged(`page ${first} is overwritten`);
  }
}

/** The page that a node of a branch leads to: 48 bits, in three pieces. */
function childOf(page: Buffer, node: number): number {
  return page.readUInt32LE(node) + page.readUInt16LE(node + 4) * 2 ** 32;
}
