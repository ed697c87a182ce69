export { findRunningEngine } from './running.ts';
export {
  DataDirInUseError,
  type EmbeddedMongo,
  EmbeddedMongoError,
  type EmbeddedMongoOptions,
  startEmbeddedMongo,
} from './start.ts';
