import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { createStore } from '../../lib/log/lmdb-store.js'
import { PowerLoss } from './support/power-loss.js'
import { canTrace, failNode, traceNode } from './support/strace.js'

const WRITER = fileURLToPath(new URL('./fixtures/store-writer.js', import.meta.url))
const skip = canTrace() ? false : 'strace is not here or may not trace'

t.test(
  'every acknowledged entry and term is on disk before it is said (S5)',
  { skip },
  async (t) => {
    const trace = traceNode([WRITER, t.testdir(), '12'], 'lmdb/data.mdb')
    const disk = new PowerLoss(7)
    const said = { term: 0, lastIndex: 0 }
    let acknowledgements = 0
    for (const event of trace) {
      if (event.kind === 'said') {
        if (event.line === 'ready') continue
        const [what, value] = event.line.split(' ')
        if (what === 'term') said.term = Number(value)
        else said.lastIndex = Number(value)
        acknowledgements++
      }
      // Just before a flush most is at risk; just after an acknowledgement nothing may be.
      const flushes = event.kind === 'sync' || (event.kind === 'write' && event.synced)
      if (flushes && said.term > 0)
        t.equal(await lostFrom(disk.afterLoss('some'), t.testdir(), said), '')
      disk.take(event)
      if (event.kind !== 'said') continue
      t.equal(await lostFrom(disk.afterLoss('all'), t.testdir(), said), '', event.line)
    }
    t.equal(acknowledgements, 12 * 2 + 3)
  },
)

t.test(
  'when a flush fails the call fails, and nothing is said any more (S15)',
  { skip },
  async (t) => {
    for (const failure of ['fdatasync:error=EIO:when=30+', 'fdatasync:error=EIO:when=30']) {
      const { status, said, error } = failNode([WRITER, t.testdir(), '100'], failure)
      t.not(status, 0)
      t.match(error, /Input\/output error/)
      t.ok(said.length > 10 && said.length < 40, `${said.length} lines before the failure`)
    }
  },
)

/** The store opens on this file; returns what is missing of what was said. */
async function lostFrom(
  file: Buffer,
  dataDir: string,
  said: { readonly term: number; readonly lastIndex: number },
): Promise<string> {
  mkdirSync(join(dataDir, 'lmdb'))
  writeFileSync(join(dataDir, 'lmdb', 'data.mdb'), file)
  const context = { nodeId: 'n1', dataDir, now: () => 0, warn: () => {} }
  const store = await createStore({}, context)
  const { lastIndex } = await store.recover()
  const term = Number(Buffer.from((await store.get('a/term')) ?? []).toString())
  await store.close()
  if (lastIndex < said.lastIndex) return `entries ${lastIndex + 1} to ${said.lastIndex}`
  return term < said.term ? `term ${said.term}; found ${term}` : ''
}
