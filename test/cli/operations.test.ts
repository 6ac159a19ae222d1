import { readdir, readFile, writeFile } from 'node:fs/promises'
import t from 'tap'
import type { Members } from '../../lib/kv/service-members.js'
import { KvClient } from '../helpers/kv-client.js'
import { troupe } from '../helpers/troupe-process.js'

/** A cluster of one in memory, and commands for it. */
async function cluster(t: { teardown(end: () => unknown): unknown }) {
  const node = troupe([
    ...['serve', '--cluster', 'c', '--id', 'n1', '--store', 'memory'],
    ...['--raft', '127.0.0.1:0', '--http', '127.0.0.1:0', '--bootstrap', 'n1=127.0.0.1:7701'],
  ])
  t.teardown(() => {
    node.signal('SIGTERM')
    return node.ended
  })
  const [, url = ''] = await node.match('stdout', /^n1 (http:\S+) raft \S+ pid \d+$/)
  await node.match('stdout', /^ready leader=n1$/)
  const run = async (...args: string[]) => troupe(args, { TROUPE_HTTP: url }).ended
  return { run, url, client: new KvClient(url) }
}

t.test('members are added, changed and removed, and a refusal is exit code 1', async (t) => {
  const { run } = await cluster(t)
  const added = await run('add', 'n2', '127.0.0.1:1', '--nonvoter', '--meta', 'http=http://h:1')
  t.match(added, { code: 0, stdout: /^n2 is a nonvoter \(configuration \d+\)$/ })
  const listed = await run('members')
  t.match(listed.stdout, /^n2 +nonvoter +127\.0\.0\.1:1 +http:\/\/h:1 +0 .*not reached$/m)
  const { index, servers } = JSON.parse((await run('members', '--json')).stdout)
  t.match(servers, [{ id: 'n1', leader: true, health: { incarnation: 'known' } }, { id: 'n2' }])

  const conflict = await run('remove', 'n2', '--prev-index', String(index - 1))
  t.match(conflict, { code: 1, stderr: /^troupe: RAFT_CONFIGURATION_CONFLICT: .+$/ })
  const removed = await run('remove', 'n2', '--prev-index', String(index), '--json')
  t.ok(JSON.parse(removed.stdout).index > index)
  t.match(await run('remove', 'n2'), { code: 1, stderr: /^troupe: RAFT_UNKNOWN_SERVER: .+$/ })
  t.match(await run('demote', 'n1'), { code: 1, stderr: /at least one voter/ })
  t.match(await run('promote', 'n1'), { code: 0, stdout: /^n1 is a voter/ })
  t.match(await run('transfer', 'n1'), { code: 0, stdout: /^n1 leads \(term \d+\)$/ })
  t.match(await run('transfer', 'n7'), { code: 1, stderr: /^troupe: RAFT_UNKNOWN_SERVER: .+$/ })
})

t.test('a snapshot is taken, and a backup saved whole or not at all', async (t) => {
  const { run, client } = await cluster(t)
  await client.put('a', 'one')
  t.match(await run('snapshot'), {
    code: 0,
    stdout: /^snapshot of index \d+, term \d+: \d+ bytes$/,
  })
  t.match(await run('snapshot'), { code: 1, stderr: /RAFT_NOTHING_TO_SNAPSHOT/ })

  const dir = t.testdir()
  const file = `${dir}/c.backup`
  t.match(await run('backup', file), { code: 0, stdout: /state of c at index \d+, .* from n1$/ })
  const saved = await readFile(file)
  t.match(await run('backup', file), { code: 1, stderr: /exists; .*--force/ })
  await client.put('b', 'two')
  t.match(JSON.parse((await run('backup', file, '--force', '--json')).stdout), { cluster: 'c' })
  t.notOk((await readFile(file)).equals(saved))
  t.strictSame(await readdir(dir), ['c.backup'], 'nothing else is left')
  t.match(await run('backup', `${dir}/no/c.backup`), { code: 1, stderr: /ENOENT/ })
})

t.test('a file that is no whole backup is refused before anything is sent', async (t) => {
  const { run, client } = await cluster(t)
  await client.put('a', 'one')
  const file = `${t.testdir()}/c.backup`
  await run('backup', file)
  const unsure = await run('restore', file)
  t.match(unsure, { code: 2, stderr: /replaces every key of c .*--yes/ })
  await writeFile(file, (await readFile(file)).subarray(0, -1))
  t.match(await run('restore', file, '--yes'), { code: 1, stderr: /RAFT_CORRUPT: .*cut short/ })
  t.match(await run('restore', `${file}x`, '--yes'), { code: 1, stderr: /there is no file/ })
  t.equal(await client.get('a'), 'one')
})

t.test('a backup brings back what was there, and nothing else', async (t) => {
  const { run, client } = await cluster(t)
  const file = `${t.testdir()}/c.backup`
  await client.put('kept', 'one')
  await run('backup', file)
  await client.put('kept', 'two')
  await client.put('later', 'x')
  const restored = await run('restore', file, '--yes')
  t.match(restored, { code: 0, stdout: /^c has the state of c at index \d+, \d+ bytes/ })
  t.strictSame([await client.get('kept'), await client.get('later')], ['one', null])
})

t.test('the doctor examines a running cluster', async (t) => {
  const { run, url, client } = await cluster(t)
  await client.put('a', 'one')
  const { servers } = (await (await fetch(`${url}/members`)).json()) as Members
  const body = JSON.stringify({ address: servers[0]?.address, meta: { http: url } })
  const headers = { 'content-type': 'application/json' }
  t.equal((await fetch(`${url}/members/n1`, { method: 'PUT', body, headers })).status, 200)
  const { code, stdout, stderr } = await run('doctor')
  t.equal(code, 0, stdout + stderr)
  for (const check of ['leader', 'voters', 'flush', 'election timeout', 'event loop']) {
    t.match(stdout, new RegExp(`^(ok|warn) +\\S+ +${check}`, 'm'))
  }
  const { findings } = JSON.parse((await run('doctor', '--json')).stdout)
  t.ok(findings.length >= 6)
})
