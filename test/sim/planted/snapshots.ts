import type { PlantedBug } from './planted-bug.js'

/** Snapshots and the state machine. */
export const snapshotsBugs: readonly PlantedBug[] = [
  {
    name: 'log kept on a conflicting install',
    edits: [
      {
        file: 'lib/core/storage.js',
        find: 'if (!undone && state.log.termAt(index) === term) {',
        replace: 'if (!undone && state.log.lastIndex >= index) {',
      },
    ],
  },
  {
    name: 'late snapshot of an old leader installed',
    edits: [
      { file: 'lib/core/storage.js', find: 'input.leaderTerm !== state.term || ', replace: '' },
    ],
  },
  {
    name: 'snapshot below the commit index installed',
    edits: [
      {
        file: 'lib/core/storage.js',
        find: '|| (index <= state.commitIndex && !undone)',
        replace: '',
      },
    ],
  },
  {
    name: 'query does not wait for its index',
    edits: [
      {
        file: 'actors/consensus/query-queue.js',
        find: '({ minIndex }) => minIndex <= fed)',
        replace: '() => true)',
      },
    ],
  },
  {
    name: 'state machine fed past commit',
    edits: [
      {
        file: 'actors/consensus/consensus-actor.js',
        find: 'apply.raiseLimit(bounded ? Math.min(commitIndex, flushedIndex) : commitIndex)',
        replace: 'apply.raiseLimit(core.status().lastLogIndex)',
      },
    ],
  },
  {
    name: 'unknown outcomes called rejected',
    edits: [
      {
        file: 'actors/consensus/proposals.js',
        find: "this.#fail(last, reason, 'unknown');",
        replace: "this.#fail(last, reason, 'rejected');",
      },
    ],
  },
  {
    name: 'state machine goes on where its predecessor was',
    edits: [
      {
        file: 'actors/consensus/apply-feed.js',
        find: '        this.#fed = lastApplied;\n        this.#applied = lastApplied;',
        replace:
          '        this.#fed = Math.max(this.#fed, lastApplied);\n        this.#applied = this.#fed;',
      },
    ],
  },
  {
    name: 'install without restore',
    edits: [
      {
        file: 'actors/consensus/effect-runner.js',
        find: 'return apply.restore(effect.index, effect.term);',
        replace: 'return;',
      },
    ],
  },
  {
    name: 'proposal answered when committed',
    edits: [
      {
        file: 'actors/consensus/proposals.js',
        find: 'if (first.lastIndex > index)\n                return;',
        replace: '',
      },
    ],
  },
  {
    name: 'compaction past the snapshot',
    edits: [
      {
        file: 'lib/core/storage.js',
        find: 'Math.min(input.index, trailing, input.keepAbove ?? input.index)',
        replace: 'state.commitIndex',
      },
    ],
  },
  {
    name: 'snapshot index off by one',
    edits: [
      {
        file: 'actors/fsm/snapshot-taker.js',
        find: "return { kind: 'snapshotTaken', request, index, term, bytes: size };",
        replace: "return { kind: 'snapshotTaken', request, index: index + 1, term, bytes: size };",
      },
    ],
  },
  {
    name: 'entries of one batch torn apart by the feed',
    edits: [
      {
        file: 'actors/consensus/apply-feed.js',
        find: 'const toIndex = Math.min(last.firstIndex + last.count - 1, this.#limit);',
        replace: 'const toIndex = last.firstIndex + last.count - 1;',
      },
    ],
  },
  {
    name: 'snapshot without its sessions',
    edits: [
      {
        file: 'actors/fsm/sessions/whole-state.js',
        find: 'if (sessions.size === 0 && keys.size === 0)',
        replace: 'if (true)',
      },
    ],
  },
  {
    name: 'repeated session command applied again',
    edits: [
      {
        file: 'actors/fsm/sessions/session-table.js',
        find: "verdict: 'known'",
        replace: "maxResultBytes: session.maxResultBytes, verdict: 'apply'",
      },
    ],
  },
  {
    name: 'state machine past the flushed index',
    edits: [
      {
        file: 'actors/consensus/consensus-actor.js',
        find: 'const bounded = init.flushedOnly || snapshots.holdsBack;',
        replace: 'const bounded = snapshots.holdsBack;',
      },
    ],
  },
]
