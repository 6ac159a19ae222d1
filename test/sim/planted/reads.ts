import type { PlantedBug } from './planted-bug.js'

/** Reads, leases and heartbeats. */
export const readsBugs: readonly PlantedBug[] = [
  {
    name: 'lease counted from arrival',
    edits: [
      {
        file: 'lib/core/leader.js',
        find: 'const lease = input.sentAt + input.leaseMs * (1 - state.config.maxClockDrift)',
        replace: 'const lease = input.receivedAt + input.leaseMs',
      },
    ],
  },
  {
    name: 'lease without clock drift',
    edits: [
      {
        file: 'lib/core/leader.js',
        find: 'input.leaseMs * (1 - state.config.maxClockDrift)',
        replace: 'input.leaseMs',
      },
    ],
  },
  {
    name: 'lease doubled',
    edits: [
      {
        file: 'lib/core/leader.js',
        find: 'input.leaseMs * (1 - state.config.maxClockDrift)',
        replace: 'input.leaseMs * 2',
      },
    ],
  },
  {
    name: 'promise not kept by voters',
    edits: [
      {
        file: 'lib/core/election.js',
        find: 'const silence = Math.max(state.config.heartbeatTimeoutMs, state.promisedLeaseMs);\n    return ',
        replace: 'return false && ',
      },
    ],
  },
  {
    name: 'promise forgotten by a restart',
    edits: [
      {
        file: 'lib/core/election.js',
        find: 'state.mayVote && now >= state.promiseFromBefore',
        replace: 'state.mayVote',
      },
    ],
  },
  {
    name: 'lease read in spite of a revoke word',
    edits: [
      {
        file: 'actors/consensus/node-requests.js',
        find: 'lease && board.isRevoked(core.status().term)',
        replace: 'false',
      },
    ],
  },
  {
    name: 'lease read after TimeoutNow',
    edits: [{ file: 'lib/core/read-index.js', find: 'leading.timeoutNowSent', replace: 'false' }],
  },
  {
    name: 'read index before the first own commit',
    edits: [
      {
        file: 'lib/core/read-index.js',
        find: 'leading.unprobedReads.length === 0 || state.commitIndex < leading.termStartIndex',
        replace: 'leading.unprobedReads.length === 0',
      },
    ],
  },
  {
    name: 'lease read before the first own commit',
    edits: [
      {
        file: 'lib/core/read-index.js',
        find: 'const ready = state.commitIndex >= leading.termStartIndex;',
        replace: 'const ready = true;',
      },
    ],
  },
  {
    name: 'read index without a probe',
    edits: [
      {
        file: 'lib/core/read-index.js',
        find: 'while ((leading.reads[0]?.probe ?? Number.POSITIVE_INFINITY) <= confirmed)',
        replace: 'while (leading.reads.length > 0)',
      },
    ],
  },
  {
    name: 'read index with nonvoters',
    edits: [
      {
        file: 'lib/core/read-index.js',
        find: 'const confirmed = quorumReached(state.configuration, (id) => id === state.id ? leading.probe : (leading.progress.get(id)?.probeAcked ?? 0));',
        replace:
          'const answers = [leading.probe, ...[...leading.progress.values()].map((each) => each.probeAcked ?? 0)].sort((a, b) => b - a); const voters = state.configuration.servers.filter((each) => each.suffrage === "voter").length; const confirmed = answers[Math.floor(voters / 2)] ?? 0;',
      },
    ],
  },
  {
    name: 'read answered by a probe sent before it',
    edits: [
      {
        file: 'lib/core/read-index.js',
        find: 'index: state.commitIndex, probe: leading.probe });',
        replace: 'index: state.commitIndex, probe: leading.probe - 1 });',
      },
    ],
  },
  {
    name: 'control block not withdrawn before a vote',
    edits: [
      {
        file: 'actors/consensus/stepper.js',
        find: 'if (guarded) {\n            this.#control.withdraw();',
        replace: 'if (guarded) {',
      },
    ],
  },
  {
    name: "answer after the control block's withdrawal",
    edits: [
      {
        file: 'actors/consensus/control-block.js',
        find: 'if (version % 2 === 0)\n            return false;',
        replace: '',
      },
    ],
  },
  {
    name: 'fast contacts not told',
    edits: [
      {
        file: 'actors/consensus/stepper.js',
        find: 'const at = this.#control.contact();',
        replace: 'const at = null;',
      },
    ],
  },
  {
    name: 'fast path answers whatever the block says',
    edits: [
      {
        file: 'actors/consensus/control-block.js',
        find: 'if (!matches || words.load(VERSION) !== version)\n            return false;',
        replace: '',
      },
    ],
  },
  {
    name: 'late turn not noticed',
    edits: [
      {
        file: 'actors/consensus/consensus-actor.js',
        find: 'if (late > settings.now.core.leaderStallTimeoutMs)',
        replace: 'if (false)',
      },
    ],
  },
  {
    name: 'silence of a stalled leader not kept',
    edits: [
      {
        file: 'actors/replicator/leadership.js',
        find: 'if (reason === null)\n            return this.#session;',
        replace: 'return this.#session;',
      },
    ],
  },
  {
    name: 'no check-quorum',
    edits: [
      {
        file: 'lib/core/leader.js',
        find: 'if (silentMs > state.config.leaderLeaseTimeoutMs && now >= leading.quorumDueAt)',
        replace: 'if (false)',
      },
    ],
  },
  {
    name: 'read index of a deposed leader',
    edits: [
      {
        file: 'lib/core/roles.js',
        find: "        state.emit({ kind: 'readRejected', id, reason: 'notLeader' });",
        replace: "        state.emit({ kind: 'readReady', id, index: state.commitIndex });",
      },
    ],
  },
]
