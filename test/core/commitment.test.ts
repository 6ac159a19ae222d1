import t from 'tap'
import { leaderOf } from './helpers/cores.js'
import { ofKind } from './helpers/effects.js'
import { matched, propose } from './helpers/inputs.js'

t.test('five voters: the third best match is committed, and told once each time', async (t) => {
  const node = leaderOf(5)
  for (let token = 1; token <= 4; token++) node.step(propose(token, 10))
  node.flushed()
  const { term, commitIndex: start, lastLogIndex: last } = node.status
  const told: number[] = []
  const match = (peer: string, index: number) => {
    const effects = node.step(matched(peer, term, index))
    told.push(...ofKind(effects, 'commit').map((effect) => effect.index))
    return node.status.commitIndex
  }
  t.equal(match('n2', start + 30), start, 'two of five')
  t.equal(match('n3', start + 10), start + 10)
  t.equal(match('n4', start + 20), start + 20)
  t.equal(match('n3', start + 20), start + 20, 'it is no more than a quorum had before')
  t.equal(match('n2', start + 10), start + 20, 'an older answer takes nothing back')
  t.equal(match('n5', last), start + 30)
  t.equal(match('n3', last), last)
  t.same(told, [start + 10, start + 20, start + 30, last])
})
