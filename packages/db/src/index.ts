export { type ConnectOptions, connect, type Database, DEFAULT_DATABASE } from './connect.ts';
export { EXACT_LIMIT } from './stores/limits.ts';
