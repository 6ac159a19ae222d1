import t from 'tap'
import {
  bootstrapList,
  formatBootstrapList,
  hostPort,
  httpAddress,
  isSet,
  wholeNumber,
} from '../../lib/cli/option-values.js'

const refused = { code: 'commander.invalidArgument' }

t.test('addresses are host:port, IPv6 in brackets', async (t) => {
  for (const good of ['127.0.0.1:7701', 'raft.example:1', '[::1]:7701', '0.0.0.0:0']) {
    t.equal(hostPort(good), good)
  }
  for (const bad of ['', '127.0.0.1', ':7701', '::1:7701', 'a:b', 'a:65536', 'http://a:1']) {
    t.throws(() => hostPort(bad), refused, bad)
  }
})

t.test(
  'a bootstrap list names ids, Raft addresses and, where wanted, HTTP addresses',
  async (t) => {
    const text = 'n1=127.0.0.1:7701@http://127.0.0.1:8701,n2=raft2.example:7702'
    const list = bootstrapList(text)
    t.strictSame(list, [
      { id: 'n1', address: '127.0.0.1:7701', meta: { http: 'http://127.0.0.1:8701' } },
      { id: 'n2', address: 'raft2.example:7702' },
    ])
    t.equal(formatBootstrapList(list), text)
    const bad = [
      '',
      'n1',
      'n1=',
      '=a:1',
      'n1=a',
      'n1=a:1,',
      'n1=a:1,n1=b:2',
      'n1=a:1@b:2',
      'n1=a:1@ftp://b',
      'n1=a:1@http://b/x',
    ]
    for (const value of bad) t.throws(() => bootstrapList(value), refused, value)
  },
)

t.test('an HTTP address is an origin', async (t) => {
  t.equal(httpAddress('http://127.0.0.1:8701/'), 'http://127.0.0.1:8701')
  for (const bad of ['127.0.0.1:8701', 'http://', 'http://a/b', '']) {
    t.throws(() => httpAddress(bad), refused, bad)
  }
})

t.test('numbers have their range', async (t) => {
  const parse = wholeNumber(1, 9)
  t.equal(parse('9'), 9)
  for (const bad of ['0', '10', '-1', '1.5', '1e0', '', ' 3', 'x']) {
    t.throws(() => parse(bad), refused, bad)
  }
})

t.test('a variable that says no does not set its flag', async (t) => {
  for (const yes of [true, '1', 'true', 'yes']) t.ok(isSet(yes))
  for (const no of [undefined, false, '', '0', 'false', 'no']) t.notOk(isSet(no))
})
