/** Raft for Node.js as a troupe of actors: `RaftNode.start` and what it takes. */

export type { PeerReport } from '../actors/consensus/protocol.js'
export type { Role, Server, Suffrage } from './core/types.js'
export { type CodecOption, jsonCodec } from './fsm/codecs.js'
export { inlineStateMachine, stateMachine } from './fsm/define.js'
export type { StateMachineSpec, StateMachineTypes } from './fsm/spec.js'
export {
  type Codec,
  CommandError,
  type Entry,
  type SnapshotCapture,
  type SnapshotSink,
  type StateMachine,
  type StateMachineContext,
} from './fsm/state-machine.js'
export type { LmdbStoreOptions } from './log/lmdb-options.js'
export type { StoreSpec } from './log/store.js'
export { lmdbStore, memoryStore, walStore } from './log/stores.js'
export type { WalStoreOptions } from './log/wal/wal-options.js'
export type { AdminOptions, NewServer, ServerChange } from './node/administration.js'
export type { CommandMessage, ProposalMessage, StageTimes } from './node/channels.js'
export type { SessionState } from './node/client-session.js'
export type { RaftConfig } from './node/config.js'
export { type Outcome, type RaftErrorCode, raftErrorCodes } from './node/error-codes.js'
export { httpStatus, isRaftError, RaftError } from './node/errors.js'
export type {
  EventsOptions,
  RaftEvent,
  RaftEventKind,
  RaftEventListener,
  RaftEventOrGap,
} from './node/events.js'
export type { FlappingEvent } from './node/flapping.js'
export { type HashicorpStats, hashicorpStats } from './node/hashicorp-stats.js'
export type {
  LeaderTask,
  LeaderTaskContext,
  WhileLeaderOptions,
} from './node/leader-tasks.js'
export { machineState } from './node/machine-state.js'
export type { AddVoterOptions, Changed, ChangeOptions } from './node/member-changes.js'
export type { RaftNodeOptions, ServerOptions } from './node/options.js'
export { parsePeersJson, readPeersJson } from './node/peers-json.js'
export type { ThreadsOption } from './node/placement.js'
export { type NodeOf, RaftNode } from './node/raft-node.js'
export type { RecoveredServer, RecoverOptions, RecoveryReport } from './node/recovery-types.js'
export { reloadableFields } from './node/reload-config.js'
export { resolveConfig } from './node/resolve-config.js'
export type { Restored, RestoreMeta, RestoreSource } from './node/restore-types.js'
export { Session } from './node/session.js'
export type { SessionOptions } from './node/sessions.js'
export type { NodeSnapshot, OpenSnapshot, SnapshotMetadata } from './node/snapshots.js'
export type {
  ActorFigures,
  InboundActorFigures,
  LogActorFigures,
  NodeFigures,
  ReplicationFigures,
  SizeFigures,
  StateMachineFigures,
  TimeFigures,
} from './node/stats-types.js'
export type {
  Applied,
  AppliedBatch,
  ApplyOptions,
  CallOptions,
  ClosedInfo,
  CloseOptions,
  CommandResult,
  ConfigurationInfo,
  Consistency,
  LeaderInfo,
  NodeState,
  NodeStats,
  QueryAnswer,
  QueryOptions,
  QueryProxy,
  WaitCondition,
} from './node/types.js'
export type { FileSnapshotOptions } from './snapshot/file-store.js'
export type { SnapshotStoreSpec } from './snapshot/store.js'
export { fileSnapshotStore, memorySnapshotStore } from './snapshot/stores.js'
export { type MemoryNetwork, memoryNetwork, memoryTransport } from './transport/memory-transport.js'
export type { TransportSpec } from './transport/transport.js'
export { type TcpOptions, type TlsOptions, tcpTransport } from './transport/transports.js'
