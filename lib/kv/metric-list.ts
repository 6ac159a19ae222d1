import { STAGES } from '../node/stages.js'
import {
  counter,
  each,
  gauge,
  histogram,
  type Metric,
  peerHistogram,
  perActor,
  perPeer,
} from './metric.js'

/** Every metric of a node, by names that stay. */
export const metrics: readonly Metric[] = [
  // -- where the node stands
  each(
    'gauge',
    'state',
    'Role of the node: 1 for the one it has, 0 for the others',
    'state',
    (stats) =>
      ['follower', 'preCandidate', 'candidate', 'leader', 'closed'].map((state) => [
        state,
        stats.state === state ? 1 : 0,
      ]),
  ),
  gauge('term', 'Current term', (stats) => stats.term),
  gauge('ready', '1 on a leader that may serve reads: an entry of its term is committed', (stats) =>
    Number(stats.ready),
  ),
  gauge('commit_index', 'Last index known to be committed', (stats) => stats.commitIndex),
  gauge(
    'applied_index',
    'Last index that the state machine has applied',
    (stats) => stats.appliedIndex,
  ),
  gauge('last_log_index', 'Last index in the log', (stats) => stats.lastLogIndex),
  gauge(
    'flushed_index',
    'Last index that is durable in the log of this node',
    (stats) => stats.flushedIndex,
  ),
  gauge(
    'snapshot_index',
    'Last index that the newest snapshot holds',
    (stats) => stats.snapshotIndex,
  ),
  gauge(
    'configuration_index',
    'Index of the configuration in use',
    (stats) => stats.configurationIndex,
  ),
  each('gauge', 'members', 'Members of the configuration in use', 'suffrage', (stats) => [
    ['voter', stats.voters],
    ['nonvoter', stats.nonvoters],
  ]),
  gauge(
    'last_contact_seconds',
    'Since the leader was last heard; 0 on it, absent when it never was',
    (stats) => (stats.lastContactMs === null ? null : stats.lastContactMs / 1000),
  ),
  gauge('uptime_seconds', 'Since this node was started', (stats) => stats.uptimeMs / 1000),

  // -- commands
  counter('commands_proposed', 'Commands proposed here', (stats) => stats.proposedEntries),
  counter(
    'commands_failed',
    'Commands whose batch was refused or lost with leadership',
    (stats) => stats.failedEntries,
  ),
  counter('refused', 'Calls refused because too much was pending', (stats) => stats.refusedForLoad),
  counter('timeouts', 'Calls that ran out of time', (stats) => stats.timeouts),
  counter('forwarded', 'Requests sent on to another node', (stats) => stats.forwardedRequests),
  gauge(
    'pending_commands',
    'Commands proposed here and not settled',
    (stats) => stats.pendingEntries,
  ),
  gauge(
    'pending_bytes',
    'Bytes of commands proposed here and not settled',
    (stats) => stats.pendingBytes,
  ),
  gauge('pending_reads', 'Reads asked for here and not settled', (stats) => stats.pendingReads),
  {
    kind: 'histogram',
    name: 'stage_seconds',
    help: 'From the apply of the first command of a batch proposed here until the batch has reached a stage',
    labels: ['stage'],
    series: ({ stages }) => STAGES.map((stage) => [{ stage }, stages[stage]]),
  },
  histogram('batch_commands', 'Commands in a batch proposed here', (stats) => stats.batchEntries),
  histogram('batch_bytes', 'Bytes of a batch proposed here', (stats) => stats.batchBytes),

  // -- elections
  each(
    'counter',
    'elections',
    'Rounds in which this node asked for votes',
    'kind',
    ({ elections }) => [
      ['vote', elections.started],
      ['prevote', elections.preVotes],
    ],
  ),
  each('counter', 'votes', 'Votes that others asked of this node', 'answer', ({ elections }) => [
    ['granted', elections.votesGranted],
    ['refused', elections.votesRefused],
  ]),
  each('counter', 'role_changes', 'How often the node took up a role', 'role', ({ roles }) =>
    Object.entries(roles),
  ),
  counter(
    'leader_changes',
    'Leaders that this node saw begin a term',
    (stats) => stats.leaderChanges,
  ),
  each(
    'counter',
    'heartbeats_missed',
    'Heartbeats without answer (failed: on the leader, late: on a follower)',
    'change',
    ({ heartbeats }) => Object.entries(heartbeats),
  ),
  counter(
    'peer_disconnects',
    'Heartbeat connections to other members that broke',
    (stats) => stats.disconnects,
  ),

  // -- the log
  counter('log_appended_entries', 'Entries appended to the log', ({ log }) => log.appendedEntries),
  counter('log_appended_batches', 'Batches appended to the log', ({ log }) => log.appendedBatches),
  counter('log_appended_bytes', 'Bytes appended to the log', ({ log }) => log.appendedBytes),
  counter('log_refusals', 'Flushes refused because the store was full', ({ log }) => log.refusals),
  gauge('log_store_bytes', 'Space that the store takes up', ({ log }) => log.storeBytes),
  histogram('log_flush_seconds', 'Time of a flush of the log', ({ log }) => log.flush),
  histogram(
    'log_flush_batches',
    'Batches made durable by one flush',
    ({ log }) => log.flushBatches,
  ),
  histogram('log_flush_bytes', 'Bytes made durable by one flush', ({ log }) => log.flushBytes),
  histogram(
    'hard_state_seconds',
    'Time of a durable write of term and vote',
    ({ log }) => log.hardState,
  ),

  // -- the state machine
  gauge('apply_lag_bytes', 'Bytes committed and not yet applied', (stats) => stats.applyLagBytes),
  counter('applied_entries', 'Entries applied', ({ stateMachine }) => stateMachine.appliedEntries),
  counter(
    'queries',
    'Queries answered by the state machine',
    ({ stateMachine }) => stateMachine.queries,
  ),
  histogram(
    'apply_seconds',
    'Time of what the state machine was given to apply at once',
    ({ stateMachine }) => stateMachine.apply,
  ),
  histogram(
    'apply_entries',
    'Entries that it was given at once',
    ({ stateMachine }) => stateMachine.applyEntries,
  ),
  histogram(
    'query_seconds',
    'Time of the queries that it was given at once',
    ({ stateMachine }) => stateMachine.query,
  ),

  // -- snapshots
  each('counter', 'snapshots', 'Snapshots by what became of them', 'change', ({ snapshots }) =>
    Object.entries(snapshots),
  ),
  histogram(
    'snapshot_seconds',
    'From the capture of a snapshot until it is durable',
    ({ stateMachine }) => stateMachine.snapshot,
  ),
  histogram(
    'restore_seconds',
    'Time in which the state machine took a snapshot in',
    ({ stateMachine }) => stateMachine.restore,
  ),
  counter(
    'restored_bytes',
    'Bytes of snapshots that the state machine took in',
    ({ stateMachine }) => stateMachine.restoredBytes,
  ),
  each(
    'gauge',
    'progress_ratio',
    'How far the latest replay, restore or install has come, 0 to 1',
    'work',
    ({ progress }) =>
      Object.entries(progress).flatMap(([work, news]) =>
        news === null ? [] : [[work, news.total > 0 ? news.done / news.total : 1] as const],
      ),
  ),

  // -- to and from the other members
  perPeer('counter', 'replication_requests', 'AppendEntries sent', (to) => to.requests),
  perPeer('counter', 'replication_entries', 'Entries sent', (to) => to.entries),
  perPeer('counter', 'replication_bytes', 'Bytes of entries sent', (to) => to.bytes),
  perPeer(
    'counter',
    'replication_snapshot_bytes',
    'Bytes of snapshots sent',
    (to) => to.chunkBytes,
  ),
  perPeer('counter', 'replication_heartbeats', 'Heartbeats sent', (to) => to.heartbeats),
  perPeer('counter', 'replication_connections', 'Connections made', (to) => to.connections),
  perPeer(
    'gauge',
    'replication_inflight_requests',
    'AppendEntries sent and not answered',
    (to) => to.inflightRequests,
  ),
  peerHistogram(
    'replication_append_seconds',
    'From an AppendEntries to its answer',
    (to) => to.append,
  ),
  peerHistogram(
    'replication_heartbeat_seconds',
    'From a heartbeat to its answer',
    (to) => to.heartbeat,
  ),
  gauge(
    'inbound_connections',
    'Connections of other members',
    ({ inbound }) => inbound.connections,
  ),
  counter(
    'inbound_refusals',
    'Connections and handshakes refused',
    ({ inbound }) => inbound.refusals,
  ),
  counter('inbound_requests', 'AppendEntries received', ({ inbound }) => inbound.requests),
  counter('inbound_entries', 'Entries received', ({ inbound }) => inbound.entries),
  counter('inbound_bytes', 'Bytes of entries received', ({ inbound }) => inbound.bytes),
  counter(
    'inbound_snapshot_bytes',
    'Bytes of snapshots received',
    ({ inbound }) => inbound.chunkBytes,
  ),
  counter('inbound_heartbeats', 'Heartbeats received', ({ inbound }) => inbound.heartbeats),
  counter(
    'inbound_heartbeats_answered',
    'Heartbeats answered without asking consensus',
    ({ inbound }) => inbound.heartbeatsAnswered,
  ),
  counter(
    'inbound_forwards',
    'Requests that other nodes sent on to this one',
    ({ inbound }) => inbound.forwards,
  ),
  counter(
    'inbound_pauses',
    'A peer had to wait: too much of it was not answered',
    ({ inbound }) => inbound.pauses,
  ),

  // -- the actors
  perActor(
    'gauge',
    'mailbox_messages',
    'Messages told to an actor and not taken',
    (actor) => actor.backlogMessages,
  ),
  perActor('gauge', 'mailbox_bytes', 'Bytes that those refer to', (actor) => actor.backlogBytes),
  perActor(
    'counter',
    'actor_busy_seconds',
    'Time in which an actor was at work',
    (actor) => actor.busyMs / 1000,
  ),
  perActor(
    'counter',
    'actor_loop_active_seconds',
    'Time in which its thread was not idle',
    (actor) => (actor.loop === undefined ? null : actor.loop.activeMs / 1000),
  ),
  perActor(
    'counter',
    'actor_messages',
    'Messages taken',
    (actor) => actor.controlMessages + actor.dataMessages,
  ),
  perActor(
    'counter',
    'actor_turns',
    'Turns taken, of one or more messages each',
    (actor) => actor.turns,
  ),
  counter(
    'actor_restarts',
    'Actors that failed and were started again',
    (stats) => stats.actorRestarts,
  ),
  counter('dead_letters', 'Messages that found nobody to take them', (stats) => stats.deadLetters),
  histogram(
    'loop_delay_seconds',
    'How late the event loop of consensus came to its ticks',
    (stats) => stats.loopDelay,
  ),
]
