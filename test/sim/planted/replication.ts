import type { PlantedBug } from './planted-bug.js'

/** How entries are replicated and committed. */
export const replicationBugs: readonly PlantedBug[] = [
  {
    name: 'append acknowledged before flush',
    edits: [
      {
        file: 'lib/core/follower.js',
        find: "state.gate({ kind: 'replyAppend', connection, reply }, matchIndex)",
        replace: "state.gate({ kind: 'replyAppend', connection, reply }, 0)",
      },
    ],
  },
  {
    name: 'leader counts itself before flush',
    edits: [
      {
        file: 'lib/core/leader.js',
        find: 'id === state.id ? state.durable.index',
        replace: 'id === state.id ? state.log.lastIndex',
      },
    ],
  },
  {
    name: 'flush acknowledgement across truncation',
    edits: [
      {
        file: 'lib/core/durable-log.js',
        find: "if (operation.kind === 'truncate')\n                index = Math.min(index, operation.fromIndex - 1);",
        replace: 'if (false)\n                index = 0;',
      },
      {
        file: 'lib/core/durable-log.js',
        find: 'this.#stored = Math.min(this.#stored, operation.fromIndex - 1);',
        replace: ';',
      },
    ],
  },
  {
    name: 'old-term entries committed by counting',
    edits: [
      {
        file: 'lib/core/leader.js',
        find: '|| state.log.termAt(matched) !== state.term',
        replace: '',
      },
    ],
  },
  {
    name: 'commit beyond the verified index',
    edits: [
      {
        file: 'lib/core/follower.js',
        find: 'commitTo(state, Math.min(request.leaderCommit, matchIndex))',
        replace: 'commitTo(state, Math.min(request.leaderCommit, state.log.lastIndex))',
      },
    ],
  },
  {
    name: 'every append cuts the log behind it',
    edits: [
      {
        file: 'lib/core/follower.js',
        find: 'if (fresh.length === 0 && holds(state, span))\n            return;',
        replace:
          'if (fresh.length === 0 && span.lastIndex <= state.commitIndex)\n            return;',
      },
    ],
  },
  {
    name: 'conflicts are not cut off',
    edits: [
      {
        file: 'lib/core/follower.js',
        find: '    if (log.termAt(index) !== span.term)\n        return false;',
        replace: '    if (log.termAt(index) === null)\n        return false;',
      },
    ],
  },
  {
    // A session's end is guarded in three places; each of them alone is enough.
    name: 'stale session accepted',
    edits: [
      { file: 'lib/core/leader-state.js', find: 'session.term !== this.term', replace: 'false' },
      {
        file: 'actors/replicator/data-lane.js',
        find: '    unlead() {\n',
        replace: '    unlead() {\n        return;\n',
      },
      {
        file: 'actors/replicator/data-lane.js',
        find: '        this.unlead();\n        this.#session = session;',
        replace:
          '        this.#session = session;\n        if (this.#machine !== null)\n            return;',
      },
    ],
  },
  {
    name: 'commit quorum one too small',
    edits: [
      {
        file: 'lib/core/quorum.js',
        find: 'sorted[majority(half.length) - 1]',
        replace: 'sorted[Math.max(0,majority(half.length) - 2)]',
      },
    ],
  },
  {
    name: 'success answers the last index, not the request',
    edits: [
      {
        file: 'lib/core/follower.js',
        find: 'const reply = appendReply(state, request, true, matchIndex);',
        replace: 'const reply = appendReply(state, request, true, state.log.lastIndex);',
      },
    ],
  },
  {
    name: 'log reports a flush that it did not do',
    edits: [
      { file: 'actors/log/log-writer.js', find: 'yield* step(this.#store.flush());', replace: '' },
    ],
  },
  {
    name: 'log acknowledges what was refused',
    edits: [
      {
        file: 'actors/log/log-writer.js',
        find: 'return this.#refuse(first.seq, error.message, null);',
        replace: 'flushed = first.seq; return { flushed, refused: null };',
      },
    ],
  },
  {
    name: 'refused entries counted as durable',
    edits: [
      {
        file: 'lib/core/durable-log.js',
        find: 'this.#outstanding = [];\n        this.#stored = Math.min(storedLastIndex, fromIndex - 1);',
        replace:
          'this.#stored = this.#outstanding.at(-1)?.lastIndex ?? this.#stored; this.#outstanding = [];',
      },
    ],
  },
  {
    name: 'match off by one',
    edits: [
      {
        file: 'lib/core/leader.js',
        find: 'progress.matchIndex = Math.max(progress.matchIndex, input.matchIndex);',
        replace:
          'progress.matchIndex = Math.max(progress.matchIndex, Math.min(input.matchIndex + 1, state.log.lastIndex));',
      },
    ],
  },
]
