import type { PlantedBug } from './planted-bug.js'

/** What decides who leads. */
export const votesBugs: readonly PlantedBug[] = [
  {
    name: 'vote answered before it is durable',
    edits: [
      {
        file: 'lib/core/election.js',
        find: "state.gate({ kind: 'replyVote', connection, candidate: request.candidate, reply })",
        replace:
          "state.emit({ kind: 'replyVote', connection, candidate: request.candidate, reply })",
      },
    ],
  },
  {
    name: 'vote never saved',
    edits: [
      {
        file: 'lib/core/election.js',
        find: '        state.votedFor = request.candidate;\n        state.saveHardState();',
        replace: '        state.votedFor = request.candidate;',
      },
    ],
  },
  {
    name: 'candidate asks before its vote is durable',
    edits: [
      {
        file: 'lib/core/election.js',
        find: "state.gate({ kind: 'requestVotes', peers: votingPeers(state), request });\n}",
        replace:
          "state.candidacy.granted.add(state.id);state.emit({ kind: 'requestVotes', peers: votingPeers(state), request });\n}",
      },
    ],
  },
  {
    name: 'election restriction ignored',
    edits: [
      {
        file: 'lib/core/log-view.js',
        find: 'return (lastLogTerm > this.lastTerm ||',
        replace: 'return true || (lastLogTerm > this.lastTerm ||',
      },
    ],
  },
  {
    name: 'two votes in a term',
    edits: [
      {
        file: 'lib/core/election.js',
        find: '!request.preVote && state.votedFor !== null && state.votedFor !== request.candidate',
        replace: 'false',
      },
    ],
  },
  {
    name: 'votes of other rounds and terms counted',
    edits: [
      { file: 'lib/core/election.js', find: '|| reply.round !== candidacy.round', replace: '' },
      {
        file: 'lib/core/election.js',
        find: 'if (reply.granted && reply.term !== askedTerm)\n        return;',
        replace: '',
      },
    ],
  },
  {
    name: 'vote forgotten on stepping down',
    edits: [
      {
        file: 'lib/core/roles.js',
        find: '        state.votedFor = null;\n        state.dropGated();\n        state.saveHardState();\n    }',
        replace:
          '        state.dropGated();\n        state.votedFor = null;\n        state.saveHardState();\n    } else state.votedFor = null;',
      },
    ],
  },
  {
    name: 'majority of one too few',
    edits: [
      {
        file: 'lib/core/quorum.js',
        find: 'Math.floor(voters / 2) + 1',
        replace: 'Math.floor(voters / 2)',
      },
    ],
  },
  {
    name: 'replies of an older term leave after all',
    edits: [
      {
        file: 'lib/core/core-state.js',
        find: 'this.#gated = this.#gated.filter((entry) => entry.term === this.term);',
        replace: ';',
      },
    ],
  },
  {
    name: 'hard state answered before it is written',
    edits: [
      {
        file: 'actors/log/log-actor.js',
        find: 'yield* this.#state.saveHardState(message.hardState);',
        replace:
          "{ this.#consensus?.control({ kind: 'hardStateSaved', seq: message.seq }); yield* this.#state.saveHardState(message.hardState); }",
      },
    ],
  },
  {
    name: 'pre-vote granted to anyone',
    edits: [
      {
        file: 'lib/core/election.js',
        find: 'if (!request.transfer && hearsLeader(state, now))',
        replace: 'if (!request.preVote && !request.transfer && hearsLeader(state, now))',
      },
    ],
  },
  {
    name: 'campaign without pre-vote',
    edits: [
      { file: 'lib/core/election.js', find: 'if (state.config.preVote)', replace: 'if (false)' },
    ],
  },
  {
    name: 'vote refused to an unknown candidate',
    edits: [
      {
        file: 'lib/core/election.js',
        find: "return 'this node may not vote yet';",
        replace:
          "return 'this node may not vote yet'; if (!isVoter(state.configuration, request.candidate)) return 'unknown';",
      },
    ],
  },
  {
    name: 'damaged last batch is no floor for votes',
    edits: [
      {
        file: 'lib/core/election.js',
        find: "return belowRequest(state, request) ? 'entries may be missing here' : null;",
        replace: 'return null;',
      },
    ],
  },
]
