import { type ApiKey, DEFAULT_MODES } from '@kaana/core';
import { toEntity } from '../entity.ts';
import type { Stored } from '../schemas.ts';

const DEFAULTS = { ...DEFAULT_MODES, limits: null, credits: null } as const;

/** A key as the domain knows it. Those of before lack what has been added since. */
export const toKey = (document: Stored<ApiKey>): ApiKey => ({ ...DEFAULTS, ...toEntity(document) });
