export { type ConnectOptions, connect, type Database, DEFAULT_DATABASE } from './connect.ts';
