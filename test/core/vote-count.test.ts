import t from 'tap'
import { candidateOf } from './helpers/cores.js'
import { voteReply } from './helpers/inputs.js'

/** distinct voters are counted, at least a quorum of them. */

const grantedBy = (from: string, round = 2) => voteReply(from, { term: 2, granted: true, round })

t.test('the vote of one peer counts once, however often it comes', async (t) => {
  const node = candidateOf(5)
  for (let i = 0; i < 5; i++) node.step(grantedBy('n2'))
  t.equal(node.status.role, 'candidate')
  node.step(grantedBy('n3'))
  t.equal(node.status.role, 'leader')
})

t.test('a vote beyond the quorum changes nothing', async (t) => {
  const node = candidateOf(5)
  for (const peer of ['n2', 'n3']) node.step(grantedBy(peer))
  t.equal(node.status.role, 'leader')
  for (const peer of ['n4', 'n5']) t.same(node.step(grantedBy(peer)), [])
  t.equal(node.status.term, 2)
})
