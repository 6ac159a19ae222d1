import t from 'tap'
import { thingsToTry } from '../../lib/cli/things-to-try.js'

const node = (i: number) => ({
  id: `n${i}`,
  http: `http://127.0.0.1:870${i}`,
  raft: `127.0.0.1:770${i}`,
  pid: 100 + i,
})

t.test(
  'a newcomer is told to write, read elsewhere, kill the leader and write again',
  async (t) => {
    const text = thingsToTry([node(1), node(2), node(3)], 'n1')
    t.match(text, /curl -X PUT http:\/\/127.0.0.1:8701\/kv\/greeting -d hello +# write through n1/)
    t.match(text, /curl http:\/\/127.0.0.1:8702\/kv\/greeting +# read it through n2/)
    t.match(text, /kill -9 101 +# n1 leads/)
    t.match(text, /curl -X PUT http:\/\/127.0.0.1:8702\/kv\/greeting -d again/)
  },
)

t.test('one or two nodes have no majority without their leader', async (t) => {
  t.match(thingsToTry([node(1)], 'n1'), /read it through n1/)
  t.notMatch(thingsToTry([node(1), node(2)], 'n1'), /kill/)
})
