import type { PlantedBug } from './planted-bug.js'

/** Memory that threads share, and batches read from the store. */
export const memoryBugs: readonly PlantedBug[] = [
  {
    name: 'slabs reused while pinned',
    edits: [
      {
        file: 'lib/log/slab.js',
        find: 'export function pinned(memory) {',
        replace: 'export function pinned(memory) { return false;',
      },
    ],
  },
  {
    name: 'replicator lets go before the socket is done',
    edits: [
      {
        file: 'actors/replicator/data-lane.js',
        find: 'const written = () => this.#unpin(batches);\n        if (!connection().send(frame, written))\n            return written();',
        replace: 'this.#unpin(batches);connection().send(frame, () => {});',
      },
    ],
  },
  {
    name: 'log lets go before the flush',
    edits: [
      {
        file: 'actors/log/log-writer.js',
        find: '        this.#staged.push(operation);\n    }\n    #checked',
        replace:
          '        this.#staged.push(operation);for (const ref of operation.batches) unpin(ref, PIN_LOG);\n    }\n    #checked',
      },
      {
        file: 'actors/log/log-writer.js',
        find: '    for (const ref of operation.batches)\n        unpin(ref, PIN_LOG);\n}',
        replace: '}',
      },
    ],
  },
  {
    name: 'consensus lets go of what it appends',
    edits: [
      {
        file: 'lib/log/log-tail.js',
        find: '        this.#batches.push(ref);',
        replace: '        this.#batches.push(ref);unpin(ref, PIN_CONSENSUS);',
      },
      {
        file: 'lib/log/log-tail.js',
        find: '        this.#bytes -= ref.length;\n        unpin(ref, PIN_CONSENSUS);',
        replace: '        this.#bytes -= ref.length;',
      },
    ],
  },
  {
    name: 'cold reads overtake truncations',
    edits: [
      {
        file: 'actors/consensus/log-reader.js',
        find: 'toIndex: Math.min(toIndex, cold)',
        replace: 'toIndex',
      },
    ],
  },
  {
    name: 'cold answers to old feeds taken',
    edits: [
      {
        file: 'actors/consensus/follower-feeds.js',
        find: 'if (this.#feeds.get(feed.link.peer) !== feed)\n                return;',
        replace: 'if (false)\n                return;',
      },
    ],
  },
]
