import t from 'tap'
import {
  candidateOf,
  followerAt,
  followerOf,
  leaderOf,
  preCandidateOf,
  type TestCore,
} from './helpers/cores.js'
import { ofKind } from './helpers/effects.js'
import { append, heartbeat, preVote, vote } from './helpers/inputs.js'

/** every request is answered in every role, be it by a refusal, once what it says is durable. */

const roles: Readonly<Record<string, () => TestCore>> = {
  'a follower without a leader': () => followerAt(5),
  'a follower of the sender': () => followerOf('n2', 5),
  'a follower of another': () => followerOf('n3', 5),
  'a pre-candidate': () => preCandidateOf(3, { term: 5 }),
  'a candidate': () => candidateOf(3, { term: 4 }),
  'a leader': () => leaderOf(3, { term: 4 }),
}

const requests = {
  replyVote: [vote, preVote],
  replyAppend: [append],
  replyHeartbeat: [heartbeat],
} as const

for (const [role, make] of Object.entries(roles)) {
  t.test(`${role} answers requests of an older, its own and a newer term`, async (t) => {
    for (const [reply, kinds] of Object.entries(requests)) {
      for (const request of kinds) {
        for (const term of [4, 5, 6]) {
          const node = make()
          const leads = node.status.role === 'leader' || node.status.leader === 'n3'
          // Two leaders in one term: what must not be is not answered.
          if (term === 5 && leads && reply !== 'replyVote') continue
          const effects = [...node.step(request(term)), ...node.saved(), ...node.flushed()]
          const answers = ofKind(effects, reply as 'replyVote')
          t.equal(answers.length, 1, `${request.name} of term ${term}`)
        }
      }
    }
  })
}
