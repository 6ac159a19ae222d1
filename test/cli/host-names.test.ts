import t from 'tap'
import { hostNameList, hostNames } from '../../lib/cli/host-names.js'

t.test('a node is known by the names given and by those of its own addresses', async (t) => {
  const given = {
    id: 'n1',
    hostNames: ['keys.example'],
    advertiseHttp: 'http://n1.keys.example:8700',
    bootstrap: [
      { id: 'n1', address: 'n1:7700', meta: { http: 'http://node-1.example:8700' } },
      { id: 'n2', address: 'n2:7700', meta: { http: 'http://node-2.example:8700' } },
    ],
  }
  t.same(hostNames(given), ['keys.example', 'n1.keys.example', 'node-1.example'])
  t.same(hostNames({ id: 'n1', advertiseHttp: '' }), [])
})

t.test('a list of host names holds names alone', async (t) => {
  t.same(hostNameList('keys, keys.default.svc.cluster.local'), [
    'keys',
    'keys.default.svc.cluster.local',
  ])
  t.same(hostNameList(''), [])
  for (const bad of ['keys:8700', 'http://keys', 'a b', '*']) {
    t.throws(() => hostNameList(bad), { code: 'commander.invalidArgument' }, bad)
  }
})
