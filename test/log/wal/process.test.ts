import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { createStore as createLmdbStore } from '../../../lib/log/lmdb-store.js'
import type { Store } from '../../../lib/log/store.js'
import { batchOf } from '../../../lib/log/store-contract-tools.js'
import { createStore } from '../../../lib/log/wal/wal-store.js'
import { canTrace, failNode, traceNode } from '../support/strace.js'

const WRITER = fileURLToPath(new URL('../fixtures/store-writer.js', import.meta.url))
const skip = canTrace() ? false : 'strace is not here or may not trace'

function contextOf(dataDir: string, warn: (message: string) => void = () => {}) {
  return { nodeId: 'n1', dataDir, now: () => 0, warn }
}

function open(dataDir: string): Promise<Store> {
  return createStore({}, contextOf(dataDir))
}

/** A process that writes until it is killed; what it says is durable arrives line by line. */
function writer(dataDir: string): { child: ChildProcess; lines: AsyncIterator<string> } {
  const args = [WRITER, dataDir, '0', 'forever', 'wal']
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const lines = createInterface({ input: child.stdout })
  return { child, lines: lines[Symbol.asyncIterator]() }
}

t.test('a process killed in the middle of its writes loses nothing it acknowledged', async (t) => {
  const dataDir = t.testdir()
  for (let life = 0; life < 5; life++) {
    const { child, lines } = writer(dataDir)
    const said = { term: 0, entries: 0 }
    for (let line = 0; line < 60 + 37 * life; line++) {
      const [what, value] = String((await lines.next()).value).split(' ')
      if (what === 'term' || what === 'entries') said[what] = Number(value)
    }
    child.kill('SIGKILL')
    await once(child, 'exit')
    const store = await open(dataDir)
    const found = await store.recover()
    const term = Number(Buffer.from((await store.get('a/term')) ?? []).toString())
    await store.close()
    t.ok(said.entries > 0 && found.lastIndex >= said.entries, `entries in life ${life}`)
    t.ok(said.term > 0 && term >= said.term, `term in life ${life}`)
    t.equal(found.voteFloor, undefined)
  }
  const names = readdirSync(join(dataDir, 'wal')).filter((name) => name.endsWith('.wal'))
  t.ok(names.length < 5, `old segments go: ${names}`)
})

t.test('a second process is refused while the first lives, and not longer (S16)', async (t) => {
  const dataDir = t.testdir()
  const { child, lines } = writer(dataDir)
  t.equal((await lines.next()).value, 'ready')
  await t.rejects(open(dataDir), { code: 'RAFT_DATA_DIR_LOCKED' })
  child.kill('SIGKILL')
  await once(child, 'exit')
  await (await open(dataDir)).close()
})

t.test('what is said is flushed before it is said (S5)', { skip }, async (t) => {
  for (const [file, what] of [
    ['.wal', 'entries'],
    ['/wal/values.dat', 'term'],
  ] as const) {
    let unflushed = 0
    let written = 0
    let said = 0
    for (const event of traceNode([WRITER, t.testdir(), '12', '', 'wal'], file)) {
      if (event.kind === 'write') {
        unflushed++
        written++
      } else if (event.kind === 'sync') {
        unflushed = 0
      } else if (event.line.startsWith(what)) {
        if (unflushed > 0 || written === 0) t.fail(`${event.line} is said too early`)
        written = 0
        said++
      }
    }
    t.equal(said, what === 'term' ? 12 : 15, what)
  }
})

t.test('when a flush fails nothing is said any more (S15)', { skip }, async (t) => {
  const args = [WRITER, t.testdir(), '100', '', 'wal']
  const { status, said, error } = failNode(args, 'fdatasync:error=EIO:when=30+')
  t.not(status, 0)
  t.match(error, /fdatasync of .*\/wal\/.* failed: EIO/)
  t.ok(said.length > 10 && said.length < 40, `${said.length} lines before the failure`)
})

t.test(
  'a file system that cannot flush directories is told of once; a failure to is not passed over (R-14)',
  { skip },
  async (t) => {
    const tolerated = failNode([WRITER, t.testdir(), '5', '', 'wal'], 'fsync:error=EINVAL')
    t.equal(tolerated.status, 0)
    t.equal(tolerated.said.length, 1 + 2 * 5 + 1)
    t.equal(tolerated.error.match(/does not flush directories \(EINVAL/g)?.length, 1)
    const failed = failNode([WRITER, t.testdir(), '5', '', 'wal'], 'fsync:error=EIO')
    t.not(failed.status, 0)
    t.match(failed.error, /EIO/)
    t.same(failed.said, [])
  },
)

t.test('a directory keeps the store that it began with (S16)', async (t) => {
  const wal = t.testdir()
  await (await open(wal)).close()
  const foreign = { code: 'RAFT_DATA_DIR_FOREIGN', message: /was made with the/ }
  await t.rejects(createLmdbStore({}, contextOf(wal)), foreign)
  const lmdb = t.testdir()
  await (await createLmdbStore({}, contextOf(lmdb))).close()
  await t.rejects(open(lmdb), foreign)
  await (await createLmdbStore({}, contextOf(lmdb))).close()
})

t.test('files are made ahead of use, in full, and foreign ones are left alone', async (t) => {
  const dataDir = t.testdir()
  mkdirSync(join(dataDir, 'wal'))
  writeFileSync(join(dataDir, 'wal', 'notes.txt'), 'mine')
  const store = await createStore({ segmentBytes: 128 * 1024 }, contextOf(dataDir))
  await store.recover()
  for (let index = 1; index <= 60; index++) {
    await store.append([batchOf(index, index, 1, index === 1 ? 0 : 1, 8000)])
    await store.flush()
    // The next segment is made between two turns.
    await new Promise(setImmediate)
  }
  await store.close()
  const names = readdirSync(join(dataDir, 'wal')).sort()
  t.match(names[0], /^0{15}1-0{15}1\.wal$/)
  t.ok(names.length >= 6 && names.includes('notes.txt') && !names.includes('next.tmp'))
  const again = await open(dataDir)
  t.match(await again.recover(), { lastIndex: 60 })
  await again.close()
})
