import t from 'tap'
import { FEATURES, usableFeatures } from '../../lib/core/features.js'

const members = ['n1', 'n2', 'n3']

function announced(...lists: readonly (readonly string[] | null)[]) {
  const entries = lists.flatMap((list, i) => (list === null ? [] : [[`n${i + 1}`, list] as const]))
  return new Map<string, readonly string[]>(entries)
}

t.test('a feature is used once every member has announced it', async (t) => {
  t.same(usableFeatures(members, announced(FEATURES, FEATURES, FEATURES)), FEATURES)
  t.same(usableFeatures(members, announced(FEATURES, [], FEATURES)), [])
  t.same(usableFeatures(members, announced(FEATURES, ['sessions'], FEATURES)), ['sessions'])
})

t.test('of a member that was never heard only what every release has is expected', async (t) => {
  t.same(usableFeatures(members, announced(FEATURES, null, FEATURES)), ['sessions'])
})

t.test('who is no member has no say, and names of later releases do no harm', async (t) => {
  const known = announced(FEATURES, [...FEATURES, 'of-a-later-release'], [])
  t.same(usableFeatures(['n1', 'n2'], known), FEATURES)
})
