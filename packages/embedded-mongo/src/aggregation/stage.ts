import type { QueryContext } from '../query/filter.ts';
import type { Collection } from '../storage/collection.ts';
import type { Doc } from '../values/types.ts';

/** Documents on their way through a pipeline; undefined where the work may pause. */
export type Stream = Generator<Doc | undefined, void, undefined>;
export type Stage = (input: Stream) => Stream;

/** What a pipeline needs besides its documents. */
export interface PipelineContext extends QueryContext {
  /** The collection of that name in the pipeline's database, if there is one. */
  collection(name: string): Collection | undefined;
  /** The client sessions that the server knows of. */
  sessions(): Iterable<Doc>;
}

/** Parsed `{$name: argument}`. */
export interface StageSpec {
  name: string;
  argument: unknown;
}

export type StageCompiler = (argument: unknown, context: PipelineContext, name: string) => Stage;

/** A stage that makes one document of each. */
export function mapping(change: (doc: Doc) => Doc): Stage {
  return function* (input) {
    for (const doc of input) yield doc && change(doc);
  };
}

/** A stage that needs all documents before it can give the first. */
export function gathering(change: (documents: Doc[]) => Iterable<Doc>): Stage {
  return function* (input) {
    const documents: Doc[] = [];
    for (const doc of input) {
      if (doc) documents.push(doc);
      else yield undefined;
    }
    yield* change(documents);
  };
}

export function* streamOf(documents: Iterable<Doc>): Stream {
  yield* documents;
}
