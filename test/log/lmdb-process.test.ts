import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import t from 'tap'
import { createStore } from '../../lib/log/lmdb-store.js'
import type { Store } from '../../lib/log/store.js'

const WRITER = fileURLToPath(new URL('./fixtures/store-writer.js', import.meta.url))
const HOLDER = new URL('./fixtures/lmdb-holder.js', import.meta.url)

function open(dataDir: string): Promise<Store> {
  return createStore({}, { nodeId: 'n1', dataDir, now: () => 0, warn: () => {} })
}

/** A process that writes until it is killed; what it says is durable arrives line by line. */
function writer(dataDir: string): { child: ChildProcess; lines: AsyncIterator<string> } {
  const args = [WRITER, dataDir, '0', 'forever']
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const lines = createInterface({ input: child.stdout })
  return { child, lines: lines[Symbol.asyncIterator]() }
}

t.test('a process killed in the middle of its writes loses nothing it acknowledged', async (t) => {
  const dataDir = t.testdir()
  for (let life = 0; life < 4; life++) {
    const { child, lines } = writer(dataDir)
    const said = { term: 0, entries: 0 }
    for (let line = 0; line < 30 + 7 * life; line++) {
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
})

t.test('a second process is refused while the first lives, and not longer (S16)', async (t) => {
  const dataDir = t.testdir()
  const { child, lines } = writer(dataDir)
  t.equal((await lines.next()).value, 'ready')
  const expected = { code: 'RAFT_DATA_DIR_LOCKED', message: new RegExp(`process ${child.pid}`) }
  await t.rejects(open(dataDir), expected)
  await t.rejects(open(dataDir), expected, 'having tried does not weaken the lock')
  child.kill('SIGKILL')
  await once(child, 'exit')
  await (await open(dataDir)).close()
})

t.test('a second thread is refused until the first has ended, however it ends', async (t) => {
  const dataDir = t.testdir()
  const first = new Worker(HOLDER)
  first.postMessage(dataDir)
  t.same(await once(first, 'message'), ['open'])
  await t.rejects(open(dataDir), { code: 'RAFT_DATA_DIR_LOCKED', message: /this process/ })
  const second = new Worker(HOLDER)
  second.postMessage(dataDir)
  t.same(await once(second, 'message'), ['RAFT_DATA_DIR_LOCKED'])
  await first.terminate()
  second.postMessage(dataDir)
  t.same(await once(second, 'message'), ['open'])
  await second.terminate()
  await (await open(dataDir)).close()
})

t.test('the lock outlives garbage collection', async (t) => {
  const dataDir = t.testdir()
  const code = `
    const { createStore } = await import(${JSON.stringify(new URL('../../lib/log/lmdb-store.js', import.meta.url).href)})
    const context = { nodeId: 'n1', dataDir: ${JSON.stringify(dataDir)}, now: () => 0, warn: () => {} }
    const store = await createStore({}, context)
    await store.recover()
    for (let n = 0; n < 5; n++) { await new Promise(setImmediate); globalThis.gc() }
    console.log('ready')
    setInterval(() => store.size(), 1000)`
  const args = ['--expose-gc', '--input-type=module', '-e', code]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(child.stdout, 'data')
  await t.rejects(open(dataDir), { code: 'RAFT_DATA_DIR_LOCKED' })
  child.kill('SIGKILL')
  await once(child, 'exit')
})
