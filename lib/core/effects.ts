import type { AppendReply, HeartbeatReply, RequestVote, VoteReply } from './rpc.js'
import type {
  Configuration,
  HardState,
  IndexedConfiguration,
  LogIndex,
  NodeId,
  Role,
  Server,
  Standing,
  Term,
} from './types.js'

/**
 * What the core asks the actor that hosts it to do.
 *
 * Ordering contract. The effects of one step are carried out in list order. Messages to one actor
 * arrive in order, lane by lane; messages to different actors in any order. The core emits a reply, a
 * vote request or a control block only after the `hardStateSaved` and `logFlushed` inputs that make it
 * true (S5), so the host sends at once whatever it is given and never has to wait by itself.
 */
export type Effect =
  // -- the log actor
  | { readonly kind: 'saveHardState'; readonly seq: number; readonly hardState: HardState }
  | { readonly kind: 'append'; readonly seq: number; readonly batches: readonly AppendedBatch[] }
  /**
   * Drop `fromIndex` and everything after it. `again`: the store alone, which had refused it (S15); the
   * host's tail has done so before and goes on with what is `held`.
   */
  | {
      readonly kind: 'truncate'
      readonly seq: number
      readonly fromIndex: LogIndex
      readonly again?: true
    }
  /** Empty the log; it goes on after a snapshot at (index, term) (S13). `again`: as for truncate. */
  | {
      readonly kind: 'resetLog'
      readonly seq: number
      readonly index: LogIndex
      readonly term: Term
      readonly again?: true
    }
  /** Everything at or below `index` may go; a batch that reaches past it stays whole (S6). */
  | { readonly kind: 'compact'; readonly seq: number; readonly index: LogIndex }
  // -- the state machine
  | { readonly kind: 'commit'; readonly index: LogIndex }
  | { readonly kind: 'restoreSnapshot'; readonly index: LogIndex; readonly term: Term }
  /** Give the state machine nothing: what comes next for it is not certain yet (uncertain.ts). */
  | { readonly kind: 'holdApply' }
  /**
   * The log begins anew at an older place. The state machine, which holds only what is committed, goes on
   * from where it is, or takes this snapshot if it is not as far.
   */
  | {
      readonly kind: 'restoreUndone'
      readonly index: LogIndex
      readonly term: Term
      /** Index of what came to nothing. */
      readonly undone: LogIndex
    }
  /** A received snapshot was late or beside the point; it may be deleted. */
  | {
      readonly kind: 'discardSnapshot'
      readonly index: LogIndex
      readonly term: Term
      /** A restored one that came to nothing. */
      readonly undone?: true
    }
  // -- answers, by the connection that the request came on
  | {
      readonly kind: 'replyVote'
      readonly connection: number
      readonly candidate: NodeId
      readonly reply: VoteReply
    }
  | { readonly kind: 'replyAppend'; readonly connection: number; readonly reply: AppendReply }
  | { readonly kind: 'replyHeartbeat'; readonly connection: number; readonly reply: HeartbeatReply }
  // -- peers
  | {
      readonly kind: 'requestVotes'
      readonly peers: readonly NodeId[]
      readonly request: RequestVote
    }
  /** Replicate to this peer in this session; the first effect of a session with it. */
  | {
      readonly kind: 'lead'
      readonly peer: Server
      readonly term: Term
      readonly incarnation: string | null
      /** Last entry of the leader's log: where the search for the match begins. */
      readonly lastIndex: LogIndex
      readonly lastTerm: Term
    }
  /** Stop replicating to this peer: not leader any more, or the peer is not a member any more. */
  | { readonly kind: 'unlead'; readonly peer: NodeId }
  /** Heartbeat everyone at once with this probe number (S10). */
  | { readonly kind: 'probe'; readonly probe: number }
  | { readonly kind: 'timeoutNow'; readonly peer: NodeId; readonly term: Term }
  /** Tell this peer that the committed configuration at `index` has it no more (S4); `unlead` follows. */
  | {
      readonly kind: 'tellRemoved'
      readonly peer: NodeId
      readonly term: Term
      readonly index: LogIndex
    }
  /** A configuration came into force, or was committed. */
  | {
      readonly kind: 'members'
      readonly configuration: IndexedConfiguration
      readonly committed: boolean
      /** Whose links the node keeps, this node excluded: the newest members and those on their way out. */
      readonly peers: readonly Server[]
      /** Of this node, in the newest configuration. */
      readonly standing: Standing
    }
  /** This node is not a member any more, as of the committed configuration at `index`. */
  | { readonly kind: 'removedFromCluster'; readonly index: LogIndex }
  // -- the fast path of heartbeats (S9); null withdraws
  | { readonly kind: 'controlBlock'; readonly block: ControlBlock | null }
  // -- this node's user
  /** The batch named by `token` has these indexes now; its `append` follows in the same step. */
  | {
      readonly kind: 'accepted'
      readonly token: number
      readonly firstIndex: LogIndex
      readonly term: Term
    }
  | { readonly kind: 'rejected'; readonly token: number; readonly reason: Rejection }
  | {
      readonly kind: 'barrierAccepted'
      readonly id: number
      readonly index: LogIndex
      readonly term: Term
    }
  | { readonly kind: 'barrierRejected'; readonly id: number; readonly reason: Rejection }
  | { readonly kind: 'readReady'; readonly id: number; readonly index: LogIndex }
  | { readonly kind: 'readRejected'; readonly id: number; readonly reason: Rejection }
  | { readonly kind: 'transferDone'; readonly id: number; readonly reason: Rejection | null }
  /** `index`: of the newest entry of this change, 0 when there is none. `detail` is for people. */
  | {
      readonly kind: 'changeDone'
      readonly id: number
      readonly index: LogIndex
      readonly reason: Rejection | null
      readonly outcome: 'rejected' | 'unknown' | null
      readonly detail: string
    }
  /** Where the restored snapshot has to stand; a `restoreCommit` of it is waited for. */
  | {
      readonly kind: 'restoreReady'
      readonly id: number
      readonly index: LogIndex
      readonly term: Term
      readonly configuration: IndexedConfiguration
    }
  /** Nothing has changed. Where it has, `barrierAccepted` says which entry to wait for. */
  | { readonly kind: 'restoreRefused'; readonly id: number; readonly reason: Rejection }
  /** Entries at and above `fromIndex` that this node proposed may or may not commit (S17). */
  | {
      readonly kind: 'proposalsUnknown'
      readonly fromIndex: LogIndex
      /** Default leadershipLost. */
      readonly reason?: 'abortedByRestore'
    }
  /** One for each change of role, term or leader. */
  | {
      readonly kind: 'roleChanged'
      readonly role: Role
      readonly term: Term
      readonly leader: NodeId | null
      readonly cause: string
    }

/** A batch to append, in log order. Its content says where the bytes come from. */
export interface AppendedBatch {
  readonly firstIndex: LogIndex
  readonly lastIndex: LogIndex
  readonly term: Term
  /** Term of the entry before firstIndex. */
  readonly prevTerm: Term
  readonly content:
    | { readonly kind: 'proposed'; readonly token: number }
    /** The n-th batch of the AppendEntries that `token` names. */
    | { readonly kind: 'received'; readonly token: number; readonly position: number }
    /** Already in the host's tail: append it again, the store had refused it (S15). */
    | { readonly kind: 'held' }
    | { readonly kind: 'noop' }
    | { readonly kind: 'barrier' }
    | { readonly kind: 'configuration'; readonly configuration: Configuration }
}

/** What the inbound actor may answer a heartbeat for without asking anyone (S9). */
export interface ControlBlock {
  readonly term: Term
  readonly leader: NodeId
  readonly addedAt: LogIndex
  /** Heartbeats that ask for a longer promise go to the core, which saves it first (S10). */
  readonly leaseMs: number
}

/** Why the core turned a request of the user down. Each maps to one error of the public API. */
export type Rejection =
  | 'notLeader'
  | 'noLeader'
  | 'notBootstrapped'
  | 'transferInProgress'
  | 'storageFull'
  | 'overloaded'
  | 'leadershipLost'
  | 'leaseUnavailable'
  | 'alreadyBootstrapped'
  | 'bootstrapMismatch'
  | 'transferTimeout'
  | 'unknownServer'
  | 'transferToItself'
  | 'notVoter'
  | 'noOtherVoter'
  | 'invalidConfiguration'
  | 'configurationConflict'
  | 'changeInProgress'
  | 'catchUpFailed'
  | 'restoreInProgress'
  | 'abortedByRestore'
