import { BoundedMap } from '@kaana/core';
import mongoose from 'mongoose';

const { deserialize } = mongoose.mongo.BSON;

const ID_NAME = '_id\0';
const STRING = 0x02;
/** BSON: length of the document (4 bytes), type of the first element (1), its name with a NUL, length of the string (4). */
const ID_LENGTH_AT = 5 + ID_NAME.length;

/**
 * The `_id` of a raw document whose ids are text: MongoDB always stores `_id` as the first field
 * (bsonspec.org; the manual, "Documents", "Field Order").
 */
export const idOf = (bytes: Buffer): string => {
  const length = bytes.readInt32LE(ID_LENGTH_AT);
  if (bytes[4] !== STRING || bytes.toString('latin1', 5, ID_LENGTH_AT) !== ID_NAME) {
    throw new Error('a stored document does not begin with an _id that is text');
  }
  return bytes.toString('utf8', ID_LENGTH_AT + 4, ID_LENGTH_AT + 4 + length - 1);
};

/**
 * Documents read again and again are mostly what they were before. Their bytes are always read anew; decoding them is
 * a pure function of the bytes, so that equal bytes give the identical entity as last time, and cost a comparison.
 */
export class Decoded<Entity> {
  readonly #toEntity: (document: never) => Entity;
  readonly #known: BoundedMap<string, { readonly bytes: Buffer; readonly entity: Entity }>;

  /** `toEntity` is given a decoded document. `capacity`: of how many documents the last entity is kept. */
  constructor(toEntity: (document: never) => Entity, capacity: number) {
    this.#toEntity = toEntity;
    this.#known = new BoundedMap(capacity);
  }

  decode(id: string, bytes: Buffer): Entity {
    const known = this.#known.get(id);
    if (known?.bytes.equals(bytes)) return known.entity;
    const entity = this.#toEntity(deserialize(bytes) as never);
    // A copy: the driver's buffer holds the whole answer.
    this.#known.set(id, { bytes: Buffer.from(bytes), entity });
    return entity;
  }

  /** The last entity, which may be outdated. */
  last(id: string): Entity | undefined {
    return this.#known.get(id)?.entity;
  }
}
