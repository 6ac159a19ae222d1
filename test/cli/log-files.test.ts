import { cp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import t from 'tap'
import { KvClient } from '../helpers/kv-client.js'
import { troupe } from '../helpers/troupe-process.js'

const value = 'this is the value of the tenth key'

/** A stopped node with ten keys and a snapshot after the fifth; each test works on a copy. */
const original = `${t.testdir()}/n1`

interface Test {
  testdir(): string
}

async function directory(t: Test): Promise<string> {
  const dir = `${t.testdir()}/n1`
  await cp(original, dir, { recursive: true })
  return dir
}

function log(action: string, dir: string, ...more: readonly string[]) {
  return troupe(['log', action, '--dir', dir, ...more]).ended
}

async function flip(path: string, where: (bytes: Buffer) => number): Promise<number> {
  const bytes = await readFile(path)
  const at = where(bytes)
  bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at)
  await writeFile(path, bytes)
  return at
}

t.before(async () => {
  const node = troupe([
    ...['serve', '--cluster', 'c', '--id', 'n1', '--dir', original],
    ...['--raft', '127.0.0.1:0', '--http', '127.0.0.1:0', '--bootstrap', 'n1=127.0.0.1:7701'],
  ])
  const [, url = ''] = await node.match('stdout', /^n1 (http:\S+) raft \S+ pid \d+$/)
  await node.match('stdout', /^ready leader=n1$/)
  const client = new KvClient(url)
  for (let i = 1; i <= 10; i++) {
    await client.put(`k${i}`, i === 10 ? value : 'x')
    if (i === 5) await fetch(`${url}/snapshot`, { method: 'POST' })
  }
  const held = await log('verify', original)
  t.match(held, { code: 1, stderr: /RAFT_DATA_DIR_LOCKED: .* in use by process/ })
  node.signal('SIGTERM')
  await node.ended
})

t.test('inspect lists the batches of a stopped node', async (t) => {
  const dir = await directory(t)
  const { code, stdout } = await log('inspect', dir)
  t.equal(code, 0)
  t.match(stdout, /^node n1 of cluster c, incarnation [0-9a-f]{32}$/m)
  t.match(stdout, /^snapshot of index \d+, term \d+, \d+ bytes, members n1$/m)
  t.match(stdout, /^1 +1 +1 +1 +.* configuration +\d+$/m)
  const lines = (await log('inspect', dir, '--json', '--from', '5', '--to', '8')).stdout.split('\n')
  const [head, ...batches] = lines.map((line) => JSON.parse(line))
  t.match(head, { kind: 'node', identity: { nodeId: 'n1' }, log: { firstIndex: 1 } })
  t.match(batches[0], { kind: 'batch', firstIndex: 5, count: 1, kinds: { command: 1 } })
  t.strictSame([batches.length, batches.at(-1).lastIndex], [4, 8])
})

t.test(
  'verify finds nothing wrong in a good directory, and none where there is none',
  async (t) => {
    const dir = await directory(t)
    const { code, stdout } = await log('verify', dir)
    t.equal(code, 0)
    for (const what of ['identity', 'hard-state', 'log', '\\S+\\.snapshot']) {
      t.match(stdout, new RegExp(`^${what} +ok`, 'm'))
    }
    const none = await log('verify', `${dir}/none`)
    t.match(none, { code: 1, stderr: /is no data directory/ })
    t.strictSame((await readdir(dir)).includes('none'), false, 'and none is made')
    t.equal((await troupe(['log', 'verify']).ended).code, 2)
  },
)

t.test('a changed byte in the log is reported with its index', async (t) => {
  const dir = await directory(t)
  // The last batch may be torn by a crash; what lies before it cannot.
  await flip(`${dir}/lmdb/data.mdb`, (bytes) => bytes.lastIndexOf('k9') + 1)
  const { code, stdout, stderr } = await log('verify', dir, '--json')
  t.equal(code, 1)
  t.match(stderr, /^troupe: RAFT_CORRUPT: damage was found in log$/m)
  const { ok, findings } = JSON.parse(stdout)
  const damage = findings.filter(({ result }: { result: string }) => result === 'damaged')
  t.equal(ok, false)
  t.match(damage, [{ what: 'log', detail: /damaged at index \d+/ }])
  const inspected = await log('inspect', dir)
  t.match(inspected, { code: 1, stderr: new RegExp(`damaged at index ${damage[0].index}`) })
})

t.test('a changed byte in a snapshot is found, and so is a snapshot that is gone', async (t) => {
  const dir = await directory(t)
  const folder = `${dir}/snapshots`
  const [name = ''] = await readdir(folder)
  await flip(`${folder}/${name}`, (bytes) => bytes.indexOf('k3'))
  const { code, stdout } = await log('verify', dir)
  t.equal(code, 1)
  t.match(stdout, /^\S+\.snapshot +damaged +index \d+, .* fails a checksum$/m)
  await rm(`${folder}/${name}`)
  t.equal((await log('verify', dir)).code, 0, 'the log still begins at 1')
})

t.test('the doctor measures the disk of a directory and reads who votes', async (t) => {
  const dir = await directory(t)
  const { code, stdout } = await troupe(['doctor', '--dir', dir]).ended
  t.equal(code, 0, stdout)
  t.match(stdout, /^\S+ +\S+ +flush +p50 .*, p99 .*, max .* \(\d+\)/m)
  t.match(stdout, /^ok +\S+ +log +n1 of c: 1\.\.\d+/m)
  t.match(stdout, /^warn +cluster +voters +1 voters; 0 may fail/m)
  t.strictSame(
    (await readdir(dir)).filter((name) => name.startsWith('doctor')),
    [],
  )
  await flip(`${dir}/lmdb/data.mdb`, (bytes) => bytes.lastIndexOf('k9') + 1)
  const ill = await troupe(['doctor', '--dir', dir, '--json']).ended
  t.equal(ill.code, 1)
  t.match(JSON.parse(ill.stdout), { ok: false })
  t.match(await troupe(['doctor', '--dir', `${dir}x`]).ended, { code: 1, stderr: /no directory/ })
  const nobody = { TROUPE_HTTP: 'http://127.0.0.1:1' }
  const told = (await troupe(['doctor', '--dir', dir], nobody).ended).stdout
  t.match(told, /^\S+ +\S+ +flush +p50 /m, 'what the disk said is told all the same')
  t.match(told, /^fail +http:\/\/127\.0\.0\.1:1 +reached +no answer/m)
})
