import type { Stores } from '@kaana/core';
import mongoose from 'mongoose';
import { mendDriver } from './driver.ts';
import { isUnavailable, storeUnavailable, translateErrors } from './errors.ts';
import { StatefulCollection } from './outbox.ts';
import { defineModels } from './schemas.ts';
import { createAccountStore } from './stores/accounts.ts';
import { createAuditStore } from './stores/audit.ts';
import { createChildKeyStore } from './stores/children.ts';
import { createCredentialStore } from './stores/credentials.ts';
import { createGhostUseStore } from './stores/ghost-use.ts';
import { createImportStore } from './stores/imports.ts';
import { createKeyStore } from './stores/keys.ts';
import { createLimitStore } from './stores/limits.ts';
import { createOrganizationStore } from './stores/organizations.ts';
import { createProjectStore } from './stores/projects.ts';
import { createQuotaStore } from './stores/quotas.ts';
import { createSessionStore } from './stores/sessions.ts';
import { createUsageStore } from './stores/usage.ts';
import { createWebhookDeliveryStore } from './stores/webhook-deliveries.ts';
import { createWebhookStore } from './stores/webhooks.ts';
import { createWouldRefuseStore } from './stores/would-refuse.ts';

/** Where the URI names no database. */
export const DEFAULT_DATABASE = 'kaana';

/** State is acknowledged once a majority has it on disk; reads go to the primary, which has all of it. */
const DURABLE = { w: 'majority', journal: true } as const;

export type Database = {
  readonly stores: Stores;
  /** Rejects with `store_unavailable` while the database does not answer. */
  ping(): Promise<void>;
  /** Creates what indexes are missing. */
  prepare(): Promise<void>;
  /** The driver's own collection, and the end of the whole database; both for tests. */
  raw(collection: string): mongoose.mongo.Collection;
  drop(): Promise<void>;
  close(): Promise<void>;
};

export type ConnectOptions = {
  readonly databaseName?: string;
  /** How long an operation may wait for a reachable primary before the answer is 503. */
  readonly serverSelectionTimeoutMs?: number;
};

/** Any MongoDB from version 5, standalone, replica set or sharded. */
export const connect = async (uri: string, options: ConnectOptions = {}): Promise<Database> => {
  mendDriver();
  const { pathname } = new URL(uri.replace(/^mongodb(\+srv)?:\/\/[^/]*/, 'mongodb://host'));
  const named = pathname.length > 1;
  const connection = mongoose.createConnection(uri, {
    ...(options.databaseName || !named ? { dbName: options.databaseName ?? DEFAULT_DATABASE } : {}),
    serverSelectionTimeoutMS: options.serverSelectionTimeoutMs ?? 2_000,
    // A server that does not answer a look within connectTimeoutMS is away, and what waits for it ends at once.
    heartbeatFrequencyMS: 2_000,
    connectTimeoutMS: 5_000,
    // A server that has stopped answering without closing its connections counts as away.
    socketTimeoutMS: 10_000,
    // Of connections that a network has dropped without a word each one would be found out by a time-out of its own.
    maxIdleTimeMS: 5_000,
    readPreference: 'primary',
    writeConcern: DURABLE,
    bufferCommands: false,
    autoIndex: false,
  });
  try {
    await connection.asPromise();
  } catch (error) {
    await connection.close(true).catch(() => undefined);
    throw isUnavailable(error) ? storeUnavailable(error) : error;
  }
  const models = defineModels(connection);
  const { audit } = models;
  const organizations = new StatefulCollection(models.organizations, audit);
  const accounts = new StatefulCollection(models.accounts, audit);
  const keys = new StatefulCollection(models.keys, audit);
  const projects = new StatefulCollection(models.projects, audit);
  const sessions = new StatefulCollection(models.sessions, audit);
  const webhooks = new StatefulCollection(models.webhooks, audit);
  const stateful = [organizations, accounts, keys, projects, sessions, webhooks];

  const stores: Stores = {
    organizations: translateErrors(createOrganizationStore(models, organizations)),
    accounts: translateErrors(createAccountStore(models, accounts)),
    keys: translateErrors(createKeyStore(models, keys)),
    credentials: translateErrors(createCredentialStore(models)),
    children: translateErrors(createChildKeyStore(models)),
    imports: translateErrors(createImportStore(models, keys)),
    projects: translateErrors(createProjectStore(models, projects)),
    sessions: translateErrors(createSessionStore(models, sessions)),
    audit: translateErrors(createAuditStore(models, stateful)),
    usage: translateErrors(createUsageStore(models)),
    limits: translateErrors(createLimitStore(models)),
    ghostUse: translateErrors(createGhostUseStore(models)),
    wouldRefuse: translateErrors(createWouldRefuseStore(models)),
    quotas: translateErrors(createQuotaStore(models)),
    webhooks: translateErrors(createWebhookStore(models, webhooks)),
    webhookDeliveries: translateErrors(createWebhookDeliveryStore(models)),
  };

  return {
    stores,
    ...translateErrors({
      ping: async () => {
        await connection.db?.command({ ping: 1 });
      },
      prepare: async () => {
        for (const model of Object.values(models)) await model.createIndexes();
      },
      drop: async () => {
        await connection.dropDatabase();
      },
    }),
    raw: (collection) => connection.getClient().db(connection.name).collection(collection),
    close: () => connection.close(true),
  };
};
