/** The key-value service: `troupe/service`. The one part of the package that needs fastify. */

export type { Access } from './access.js'
export type { CredentialSources } from './credentials.js'
export type { HttpLeader } from './http-errors.js'
export type { HttpLimits } from './http-server.js'
export {
  encodeCommand,
  type KvBatch,
  type KvCommand,
  type KvCondition,
  type KvOperation,
  maxBatchOperations,
  maxCommandBytes,
  maxValueBytes,
} from './kv-commands.js'
export type {
  KvAnswer,
  KvGetAnswer,
  KvItem,
  KvListAnswer,
  KvRequest,
  KvResult,
} from './kv-queries.js'
export { type KvReplica, type KvSnapshot, type KvTypes, keyValueStateMachine } from './replica.js'
export {
  createKvServer,
  type KvServerOptions,
  type KvService,
  startKvService,
} from './service.js'
export type { Delays, Diagnostics, Timeouts } from './service-diagnostics.js'
export type { MemberHealth, MemberStatus, Members } from './service-members.js'
export type { NodeStatus } from './service-status.js'
export type { TokenList, TokenSource } from './tokens.js'
