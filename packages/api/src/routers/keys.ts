import { adminImporter, createRehearsal, NATURAL_ORDER } from '@kaana/core';
import type { TRPCRouterRecord } from '@trpc/server';
import { ChildCreateInput, ChildListInput } from '../contracts/children.ts';
import { GhostUse } from '../contracts/ghost-use.ts';
import { KeyHealth, KeyHealthListInput, KeyHealthListOutput } from '../contracts/health.ts';
import { KeyImportInput, KeyImportOutput, toImportResult, toKeyToImport } from '../contracts/import.ts';
import {
  Key,
  KeyCreateInput,
  KeyCreditsInput,
  KeyIdInput,
  KeyLeakedInput,
  KeyLeakedOutput,
  KeyListInput,
  KeyListOutput,
  KeyRevokeInput,
  KeyRotateInput,
  KeyUpdateInput,
  KeyWatchInput,
  KeyWatchOutput,
  KeyWithToken,
} from '../contracts/keys.ts';
import { SuggestedScopes } from '../contracts/suggested-scopes.ts';
import { KeyVerdict, KeyVerdicts, KeyVerifyInput, KeyVerifyManyInput } from '../contracts/verify.ts';
import { WouldRefuse } from '../contracts/would-refuse.ts';
import { toGhostUse } from '../ghost-use.ts';
import { toHealthPage, toOneHealth } from '../health.ts';
import { cursorOf, positionOf } from '../key-cursor.ts';
import { toSuggestedScopes } from '../suggested-scopes.ts';
import { procedure, publicProcedure } from '../trpc.ts';
import { reportLeak, verifyKey, verifyKeys } from '../verify.ts';
import { defined, pageQuery, toDate, toDateOrNull, toKeys, toOneKey, toPage } from '../wire.ts';
import { toWouldRefuse } from '../would-refuse.ts';

export const keysRouter = {
  list: procedure('keys:read', {
    method: 'GET',
    path: '/keys',
    summary: 'List API keys, newest first: your own, or for an admin the whole organization’s',
  })
    .input(KeyListInput)
    .output(KeyListOutput)
    .query(async ({ ctx, input }) => {
      const { status, accountId, parentId, search, sort, order = NATURAL_ORDER[sort], limit } = input;
      if (!search && sort === 'created' && order === 'desc') {
        const keys = await ctx.domain.keys.list(ctx.principal, {
          status,
          accountId,
          parentId,
          ...pageQuery(input),
        });
        return toPage(await toKeys(ctx.domain, keys), limit);
      }
      const found = await ctx.domain.keys.search(ctx.principal, {
        status,
        accountId,
        parentId,
        search,
        sort,
        order,
        limit: limit + 1,
        after: positionOf(input.cursor, sort),
      });
      const last = found.length > limit ? found[limit - 1] : undefined;
      return {
        data: await toKeys(
          ctx.domain,
          found.slice(0, limit).map(({ key }) => key),
        ),
        nextCursor: last ? cursorOf(last.position) : null,
      };
    }),

  /** How the keys that somebody looks at are now, and whether there are new ones: two look-ups by id, for often. */
  watch: procedure('keys:read')
    .input(KeyWatchInput)
    .output(KeyWatchOutput)
    .query(async ({ ctx, input: { ids, accountId } }) => {
      const { keys } = ctx.domain;
      const [found, [newest]] = await Promise.all([
        keys.getMany(ctx.principal, ids),
        keys.list(ctx.principal, { accountId, limit: 1 }),
      ]);
      return { data: await toKeys(ctx.domain, found), newestId: newest?.id ?? null };
    }),

  get: procedure('keys:read', { method: 'GET', path: '/keys/{id}', summary: 'Get an API key' })
    .input(KeyIdInput)
    .output(Key)
    .query(async ({ ctx, input }) =>
      toOneKey(ctx.domain, await ctx.domain.keys.get(ctx.principal, input.id)),
    ),

  ghostUse: procedure('keys:read', {
    method: 'GET',
    path: '/keys/{id}/ghost-use',
    summary: 'Attempts with tokens of an API key that do not work any more, and from where they come',
  })
    .input(KeyIdInput)
    .output(GhostUse)
    .query(async ({ ctx, input }) =>
      toGhostUse(ctx.domain, await ctx.domain.keys.get(ctx.principal, input.id)),
    ),

  wouldRefuse: procedure('keys:read', {
    method: 'GET',
    path: '/keys/{id}/would-refuse',
    summary: 'What an API key’s lists in mode "report" let pass and would refuse',
  })
    .input(KeyIdInput)
    .output(WouldRefuse)
    .query(async ({ ctx, input }) =>
      toWouldRefuse(ctx.domain, await ctx.domain.keys.get(ctx.principal, input.id)),
    ),

  suggestScopes: procedure('keys:read', {
    method: 'GET',
    path: '/keys/{id}/suggested-scopes',
    summary: 'The narrowest scopes that an API key’s observed use needs, and how far to trust that',
  })
    .input(KeyIdInput)
    .output(SuggestedScopes)
    .query(async ({ ctx, input }) =>
      toSuggestedScopes(ctx.domain, await ctx.domain.keys.get(ctx.principal, input.id)),
    ),

  health: procedure('keys:read', {
    method: 'GET',
    path: '/keys/health',
    summary: 'How API keys are doing, the worst first among each thousand, and which nobody will miss',
  })
    .input(KeyHealthListInput)
    .output(KeyHealthListOutput)
    .query(({ ctx, input }) => toHealthPage(ctx.domain, ctx.principal, input)),

  healthOf: procedure('keys:read', {
    method: 'GET',
    path: '/keys/{id}/health',
    summary: 'How an API key is doing: what speaks against it, and whether anybody would miss it',
  })
    .input(KeyIdInput)
    .output(KeyHealth)
    .query(async ({ ctx, input }) =>
      toOneHealth(ctx.domain, ctx.principal.organization, await ctx.domain.keys.get(ctx.principal, input.id)),
    ),

  create: procedure('keys:write', {
    method: 'POST',
    path: '/keys',
    status: 201,
    summary: 'Create an API key; its token is in this answer and nowhere else',
  })
    .input(KeyCreateInput)
    .output(KeyWithToken)
    .mutation(async ({ ctx, input }) => {
      const { key, token } = await ctx.domain.keys.create(ctx.caller, {
        ...input,
        scopes: input.scopes && [...new Set(input.scopes)],
        expiresAt: toDateOrNull(input.expiresAt),
        limits: input.limits,
        credits: input.credits,
      });
      return { key: await toOneKey(ctx.domain, key), token };
    }),

  update: procedure('keys:write', { method: 'PATCH', path: '/keys/{id}', summary: 'Change an API key' })
    .input(KeyUpdateInput)
    .output(Key)
    .mutation(async ({ ctx, input: { id, expiresAt, ...fields } }) => {
      const change = {
        ...defined(fields),
        ...(expiresAt === undefined ? {} : { expiresAt: toDateOrNull(expiresAt) }),
      };
      return toOneKey(ctx.domain, await ctx.domain.keys.update(ctx.caller, id, change));
    }),

  credits: procedure('keys:write', {
    method: 'POST',
    path: '/keys/{id}/credits',
    summary: 'Set, add or refill the credits of an API key; for admins',
  })
    .input(KeyCreditsInput)
    .output(Key)
    .mutation(async ({ ctx, input: { id, ...change } }) =>
      toOneKey(ctx.domain, await ctx.domain.keys.changeCredits(ctx.caller, id, change)),
    ),

  revoke: procedure('keys:write', {
    method: 'POST',
    path: '/keys/{id}/revoke',
    summary: 'Revoke an API key, at once and for good',
  })
    .input(KeyRevokeInput)
    .output(Key)
    .mutation(async ({ ctx, input }) =>
      toOneKey(ctx.domain, await ctx.domain.keys.revoke(ctx.caller, input.id, input.reason ?? null)),
    ),

  rotate: procedure('keys:write', {
    method: 'POST',
    path: '/keys/{id}/rotate',
    summary: 'Give an API key a new secret; the old one works on for the overlap',
  })
    .input(KeyRotateInput)
    .output(KeyWithToken)
    .mutation(async ({ ctx, input }) => {
      const { id, overlapSeconds: seconds, overlapBegins } = input;
      const begins = overlapBegins ?? (seconds === 0 ? 'now' : 'firstUse');
      const { key, token } = await ctx.domain.rotation.rotate(ctx.caller, id, { seconds, begins });
      return { key: await toOneKey(ctx.domain, key), token };
    }),

  endRotation: procedure('keys:write', {
    method: 'POST',
    path: '/keys/{id}/end-rotation',
    summary: 'End the rotation of an API key: its old secret stops working at once',
  })
    .input(KeyIdInput)
    .output(Key)
    .mutation(async ({ ctx, input }) =>
      toOneKey(ctx.domain, await ctx.domain.rotation.end(ctx.caller, input.id)),
    ),

  cancelRotation: procedure('keys:write', {
    method: 'POST',
    path: '/keys/{id}/cancel-rotation',
    summary:
      'Take back the rotation of an API key, while nobody has used its new secret: that one stops working',
  })
    .input(KeyIdInput)
    .output(Key)
    .mutation(async ({ ctx, input }) =>
      toOneKey(ctx.domain, await ctx.domain.rotation.cancel(ctx.caller, input.id)),
    ),

  createChild: procedure('keys:delegate', {
    method: 'POST',
    path: '/keys/children',
    status: 201,
    summary:
      'Make a narrower, shorter-lived child of the key that you call with; it stops when that key does',
  })
    .input(ChildCreateInput)
    .output(KeyWithToken)
    .mutation(async ({ ctx, input }) => {
      const { key, token } = await ctx.domain.children.create(ctx.caller, {
        ...input,
        scopes: [...new Set(input.scopes)],
        expiresAt: toDate(input.expiresAt),
      });
      return { key: await toOneKey(ctx.domain, key), token };
    }),

  children: procedure('keys:delegate', {
    method: 'GET',
    path: '/keys/children',
    summary: 'List the children of the key that you call with, and theirs, newest first',
  })
    .input(ChildListInput)
    .output(KeyListOutput)
    .query(async ({ ctx, input }) => {
      const query = { status: input.status, ...pageQuery(input) };
      const keys = await ctx.domain.children.list(ctx.principal, query);
      return toPage(await toKeys(ctx.domain, keys), input.limit);
    }),

  revokeChild: procedure('keys:delegate', {
    method: 'POST',
    path: '/keys/children/{id}/revoke',
    summary: 'Revoke a key that comes from the one that you call with, and what comes from it',
  })
    .input(KeyRevokeInput)
    .output(Key)
    .mutation(async ({ ctx, input }) =>
      toOneKey(ctx.domain, await ctx.domain.children.revoke(ctx.caller, input.id, input.reason ?? null)),
    ),

  import: procedure('keys:write', {
    method: 'POST',
    path: '/keys/import',
    summary: 'Take over API keys of another system by their hashes; nobody has to change a key. For admins',
  })
    .input(KeyImportInput)
    .output(KeyImportOutput)
    .mutation(async ({ ctx, input }) => {
      const importer = adminImporter(ctx.caller);
      const { keys, dryRun } = input;
      const options = dryRun ? { rehearsal: createRehearsal() } : {};
      return toImportResult(await ctx.domain.imports.import(importer, keys.map(toKeyToImport), options));
    }),

  verify: procedure('keys:verify', {
    method: 'POST',
    path: '/keys/verify',
    summary:
      'Ask whether a token that your own caller sent is valid; counts as one request of its account, or as its cost says',
  })
    .input(KeyVerifyInput)
    .output(KeyVerdict)
    .mutation(({ ctx, input }) => verifyKey(ctx.domain, ctx.caller, input)),

  verifyMany: procedure('keys:verify', {
    method: 'POST',
    path: '/keys/verify-batch',
    summary: 'Ask it of up to 100 tokens at once; each counts by itself',
  })
    .input(KeyVerifyManyInput)
    .output(KeyVerdicts)
    .mutation(async ({ ctx, input: { tokens, explain } }) => ({
      data: await verifyKeys(ctx.domain, ctx.caller, tokens, explain),
    })),

  leaked: publicProcedure({
    method: 'POST',
    path: '/keys/leaked',
    status: 202,
    summary: 'Report tokens that were found in public: they are revoked. The answer is always the same',
  })
    .input(KeyLeakedInput)
    .output(KeyLeakedOutput)
    .mutation(async ({ ctx, input }) => {
      await reportLeak(ctx.domain, ctx.origin, input.tokens ?? [input.token ?? '']);
      return { received: true };
    }),
} satisfies TRPCRouterRecord;
