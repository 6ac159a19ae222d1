import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { isRaftError } from '../../lib/node/errors.js'
import { parsePeersJson, readPeersJson } from '../../lib/node/peers-json.js'
import { SeededRandom } from '../helpers/seeded-random.js'

/** hashicorp/raft's TestPeersJSON_*, and what an operator in a hurry may write. */

const voter = (id: string, address: string) => ({ id, address, suffrage: 'voter' })

t.test('a list of addresses gives voters whose id is their address', async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'troupe-peers-'))
  t.teardown(() => rm(dir, { recursive: true }))
  const path = join(dir, 'peers.json')
  await writeFile(path, '["127.0.0.1:123",\n "127.0.0.2:123", "127.0.0.3:123"]')
  t.same(
    await readPeersJson(path),
    ['127.0.0.1:123', '127.0.0.2:123', '127.0.0.3:123'].map((at) => voter(at, at)),
  )
})

t.test('a list of servers gives voters, and nonvoters where non_voter is true', async (t) => {
  const text = `[
    { "id": "adf4238a-882b-9ddc-4a9d-5b6758e4159e", "address": "127.0.0.1:123", "non_voter": false },
    { "id": "8b6dda82-3103-11e7-93ae-92361f002671", "address": "127.0.0.2:123" },
    { "id": "97e17742-3103-11e7-93ae-92361f002671", "address": "127.0.0.3:123", "non_voter": true }
  ]`
  t.same(parsePeersJson(`\uFEFF${text}`), [
    voter('adf4238a-882b-9ddc-4a9d-5b6758e4159e', '127.0.0.1:123'),
    voter('8b6dda82-3103-11e7-93ae-92361f002671', '127.0.0.2:123'),
    { id: '97e17742-3103-11e7-93ae-92361f002671', address: '127.0.0.3:123', suffrage: 'nonvoter' },
  ])
})

const refused = [
  ['null', /peers\.json: need at least one voter, found null/],
  ['[]', /need at least one voter, found 0 servers/],
  ['[{"id":"a","address":"h:1","non_voter":true}]', /need at least one voter/],
  ['{"a":1}', /expected a list of addresses or of servers, found an object/],
  ['["a:1", {"id":"b","address":"b:1"}]', /mixed/],
  ['["a:1",\n""]', /server 2: expected an address, found an empty text/],
  ['["a:1", "a:1"]', /the id a:1 is there twice/],
  ['[{"id":"a","address":"h:1"},{"id":"b","address":"h:1"}]', /address h:1 is there twice/],
  ['[{"id":"a","address":"h:1"},{"address":"h:2"}]', /server 2: id is text, found nothing/],
  ['[{"id":"","address":"h:1"}]', /server 1: id is text, found an empty text/],
  ['[{"id":"a","address":7}]', /server 1 \(a\): address is text, found 7/],
  ['[{"id":"a","address":"h:1","non_voter":"yes"}]', /non_voter is true or false, found "yes"/],
  ['[{"id":"a","address":"h:1","nonvoter":true}]', /server 1: there is no field "nonvoter"/],
  ['[1]', /server 1: expected an address or .*, found 1/],
  ['["a:1",\n"b:1"\n"c:1"]', /line 3 is not JSON/],
  ['["a:1",\n', /line \d+ is not JSON/],
  ['', /line 1 is not JSON/],
] as const

t.test('whatever is no list of members is refused by line or by server and field', async (t) => {
  for (const [text, message] of refused) {
    t.throws(() => parsePeersJson(text), { code: 'RAFT_CONFIG_INVALID', message }, text)
  }
})

t.test('a file that is not there is the error of the system', async (t) => {
  await t.rejects(readPeersJson('/nowhere/peers.json'), { code: 'ENOENT' })
})

t.test('mutations of a good file give members or a typed error, never anything else', async (t) => {
  const source = new SeededRandom(7)
  const random = () => source.next()
  const good = '[{"id":"n1","address":"h:1","non_voter":false},{"id":"n2","address":"h:2"}]'
  let [taken, turned] = [0, 0]
  for (let round = 0; round < 3000; round++) {
    const bytes = Buffer.from(good)
    const changes = 1 + Math.floor(random() * 3)
    for (let i = 0; i < changes; i++) {
      bytes[Math.floor(random() * bytes.length)] = 32 + Math.floor(random() * 95)
    }
    const text = bytes.toString().slice(0, random() < 0.2 ? Math.floor(random() * 80) : undefined)
    try {
      const servers = parsePeersJson(text)
      t.ok(servers.some(({ suffrage }) => suffrage === 'voter'))
      taken++
    } catch (error) {
      if (!isRaftError(error, 'RAFT_CONFIG_INVALID')) t.fail(`${text}: ${String(error)}`)
      turned++
    }
  }
  t.ok(taken > 0 && turned > 0, `${taken} taken, ${turned} refused`)
})
