import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { DevDirectory } from '../../lib/cli/dev-directory.js'
import type { DevOptions } from '../../lib/cli/dev-plan.js'

function options(dir: string, more: Partial<DevOptions> = {}): DevOptions {
  return { dir, nodes: 3, store: 'lmdb', httpPort: 8700, raftPort: 7700, ...more }
}

/** A directory as a cluster of earlier leaves it. */
function used(t: { testdir(): string }): string {
  const dir = join(t.testdir(), 'cluster')
  DevDirectory.claim(options(dir)).release()
  for (const name of ['n1', 'n2', 'n3', 'mine']) {
    mkdirSync(join(dir, name))
    writeFileSync(join(dir, name, 'data'), name)
  }
  return dir
}

t.test('a new or empty directory is taken, and again by the same cluster', async (t) => {
  const dir = used(t)
  DevDirectory.claim(options(dir)).release()
  t.equal(readFileSync(join(dir, 'n1', 'data'), 'utf8'), 'n1')
  const empty = t.testdir({ here: {} })
  DevDirectory.claim(options(join(empty, 'here'))).release()
})

t.test('a directory that holds other things is refused, with --fresh above all', async (t) => {
  const dir = t.testdir({ n1: { data: 'precious' }, 'troupe-dev.json': '{"format":9}' })
  for (const fresh of [false, true]) {
    t.throws(() => DevDirectory.claim(options(dir, { fresh })), { code: 'RAFT_DATA_DIR_FOREIGN' })
    t.equal(readFileSync(join(dir, 'n1', 'data'), 'utf8'), 'precious')
  }
})

t.test('a cluster of another shape is refused and told how it was made', async (t) => {
  const dir = used(t)
  const others: Partial<DevOptions>[] = [
    { nodes: 5 },
    { store: 'memory' },
    { httpPort: 1 },
    { raftPort: 1 },
  ]
  for (const other of others) {
    t.throws(() => DevDirectory.claim(options(dir, other)), /was made with --/)
  }
  t.ok(existsSync(join(dir, 'n1', 'data')))
})

t.test('--fresh removes the nodes and nothing else', async (t) => {
  const dir = used(t)
  DevDirectory.claim(options(dir, { fresh: true, nodes: 5 })).release()
  t.strictSame(readdirSync(dir).sort(), ['mine', 'troupe-dev.json'])
  DevDirectory.claim(options(dir, { nodes: 5 })).release()
})

t.test('a cluster that is running is neither joined nor removed', async (t) => {
  const dir = used(t)
  const marker = join(dir, 'troupe-dev.json')
  const running = { ...JSON.parse(readFileSync(marker, 'utf8')), pid: process.ppid }
  writeFileSync(marker, JSON.stringify(running))
  for (const fresh of [false, true]) {
    t.throws(() => DevDirectory.claim(options(dir, { fresh })), { code: 'RAFT_DATA_DIR_LOCKED' })
  }
  t.ok(existsSync(join(dir, 'n1', 'data')))
})
