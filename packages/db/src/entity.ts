import type { Account, AuditEvent, PageQuery } from '@kaana/core';
import type { Stored } from './schemas.ts';

/** A stored document as the entity that the domain knows: `_id` is its id, and what is ours alone is left out. */
export const toEntity = <Document extends { _id: string; outbox?: AuditEvent[]; deletedAt?: Date }>(
  document: Document,
): Omit<Document, '_id' | 'outbox' | 'deletedAt'> & { id: string } => {
  const { _id, outbox: _outbox, deletedAt: _deletedAt, ...fields } = document;
  return { ...fields, id: _id };
};

/** What documents of before a field was there are taken to say. */
const ACCOUNT_DEFAULTS = { limits: null } as const;

export const toAccount = (document: Stored<Account>): Account =>
  toEntity({ ...ACCOUNT_DEFAULTS, ...document });

export const toStored = <Entity extends { readonly id: string }>(
  entity: Entity,
): Omit<Entity, 'id'> & { _id: string } => {
  const { id, ...fields } = entity;
  return { ...fields, _id: id };
};

export const byId = <Entity extends { readonly id: string }>(
  entities: readonly Entity[],
): Map<string, Entity> => new Map(entities.map((entity) => [entity.id, entity]));

/** What is not deleted. */
export const LIVE = { deletedAt: { $exists: false } } as const;
/** Ids sort by creation, so that a page is a range of ids. */
export const NEWEST_FIRST = { _id: -1 } as const;
export const beforeCursor = ({ before }: PageQuery) => (before === undefined ? {} : { _id: { $lt: before } });
