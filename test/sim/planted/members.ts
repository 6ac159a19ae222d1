import type { PlantedBug } from './planted-bug.js'

/** Members, identity and what a disk has lost. */
export const membersBugs: readonly PlantedBug[] = [
  {
    name: 'wiped node votes',
    edits: [
      {
        file: 'lib/node/actor-inits.js',
        find: 'mayVote: hasTakenPart(recovered)',
        replace: 'mayVote: true',
      },
      {
        file: 'actors/consensus/admission.js',
        find: 'else if (known.incarnation !== incarnation) {',
        replace: 'else if (false) {',
      },
    ],
  },
  {
    name: 'vote allowed after a second start of a wiped node',
    edits: [
      {
        file: 'lib/node/actor-inits.js',
        find: 'mayVote: hasTakenPart(recovered)',
        replace: 'mayVote: !recovered.fresh',
      },
    ],
  },
  {
    name: 'another incarnation of a member taken',
    edits: [
      {
        file: 'actors/consensus/admission.js',
        find: 'else if (known.incarnation !== incarnation) {',
        replace: 'else if (false) {',
      },
    ],
  },
  {
    name: 'whoever knows no members vouches for a node',
    edits: [{ file: 'actors/consensus/peer-desk.js', find: 'if (vouches)', replace: 'if (true)' }],
  },
  {
    name: 'no joint phase between distant configurations',
    edits: [{ file: 'lib/core/change.js', find: 'if (moved <= 1)', replace: 'if (true)' }],
  },
  {
    name: 'joint configuration decided by its new half',
    edits: [
      {
        file: 'lib/core/quorum.js',
        find: 'return outgoing === undefined ? [incoming] : [incoming, outgoing.map((server) => server.id)];',
        replace: 'return [incoming];',
      },
    ],
  },
  {
    name: 'configuration kept although its entry was truncated',
    edits: [
      {
        file: 'lib/core/configurations.js',
        find: 'const kept = this.#history.filter((entry) => entry.index < fromIndex);',
        replace: 'const kept = this.#history;',
      },
    ],
  },
  {
    name: 'matches of an earlier membership counted',
    edits: [
      {
        file: 'lib/core/leader-state.js',
        find: 'session.addedAt !== progress.addedAt',
        replace: 'false',
      },
      {
        file: 'lib/core/followers.js',
        find: 'progress?.addedAt !== server.addedAt',
        replace: 'progress === undefined',
      },
    ],
  },
  {
    name: 'configuration applied late',
    edits: [
      {
        file: 'lib/core/core-state.js',
        find: 'return this.configurations.latest.configuration;',
        replace:
          'return this.configurations.at(Math.max(this.commitIndex, this.configurations.all[0]?.index ?? 0)).configuration;',
      },
    ],
  },
]
