import t from 'tap'
import {
  encodeCommand,
  type KvCommand,
  type KvCondition,
  maxValueBytes,
} from '../../lib/kv/kv-commands.js'
import { KeyValueMachine } from '../../lib/kv/kv-machine.js'
import type { KvListAnswer } from '../../lib/kv/kv-queries.js'
import { SeededRandom } from '../helpers/seeded-random.js'

/** A machine and the index of the last entry that it was given. */
class Applied {
  readonly machine = new KeyValueMachine()
  index = 0

  apply(command: KvCommand) {
    this.index++
    return this.machine.apply({ index: this.index, command: encodeCommand(command) })
  }

  put(key: string, value: string, condition: KvCondition = {}) {
    return this.apply({ kind: 'put', key, value: Buffer.from(value), ...condition })
  }

  get(key: string) {
    const found = this.machine.query({ kind: 'get', key })
    if (found === null || typeof found !== 'object' || 'items' in found) return null
    return { value: Buffer.from(found.value).toString(), revision: found.revision }
  }

  list(options: { prefix?: string; after?: string; limit?: number; values?: boolean } = {}) {
    const { prefix = '', after = null, limit = 100, values = true } = options
    return this.machine.query({ kind: 'list', prefix, after, limit, values }) as KvListAnswer
  }

  keys(options: { prefix?: string; after?: string; limit?: number } = {}) {
    return this.list(options).items.map((item) => item.key)
  }
}

const refused = (...failed: number[]) => ({ code: 'KV_CONDITION_FAILED', details: { failed } })

t.test('a revision is the index of the last write of a key', async (t) => {
  const kv = new Applied()
  t.equal(kv.put('a', 'one'), undefined)
  kv.put('b', 'two')
  kv.put('a', 'three')
  t.strictSame(kv.get('a'), { value: 'three', revision: 3 })
  t.strictSame(kv.get('b'), { value: 'two', revision: 2 })
  t.equal(kv.get('c'), null)
  t.equal(kv.machine.query({ kind: 'size' }), 2)
})

t.test('a delete answers whether the key was there', async (t) => {
  const kv = new Applied()
  kv.put('a', 'one')
  t.equal(kv.apply({ kind: 'delete', key: 'a' }), true)
  t.equal(kv.apply({ kind: 'delete', key: 'a' }), false)
  t.equal(kv.get('a'), null)
})

t.test('a conditional write happens only at its revision', async (t) => {
  const kv = new Applied()
  t.throws(() => kv.put('a', 'x', { ifRevision: 7 }), refused(0))
  kv.put('a', 'one', { ifAbsent: true })
  t.throws(() => kv.put('a', 'x', { ifAbsent: true }), refused(0))
  t.throws(() => kv.put('a', 'x', { ifRevision: 1 }), refused(0))
  kv.put('a', 'two', { ifRevision: 2 })
  t.strictSame(kv.get('a'), { value: 'two', revision: 5 })
  t.throws(() => kv.apply({ kind: 'delete', key: 'a', ifRevision: 4 }), refused(0))
  t.equal(kv.apply({ kind: 'delete', key: 'a', ifRevision: 5 }), true)
})

t.test('a batch is done in order, or not at all', async (t) => {
  const kv = new Applied()
  kv.put('a', 'one')
  const value = Buffer.from('new')
  const results = kv.apply({
    kind: 'batch',
    operations: [
      { kind: 'put', key: 'b', value, ifAbsent: true },
      { kind: 'delete', key: 'b' },
      { kind: 'delete', key: 'zz' },
      { kind: 'put', key: 'a', value, ifRevision: 1 },
    ],
  })
  t.strictSame(results, [true, true, false, true])
  t.strictSame(kv.get('a'), { value: 'new', revision: 2 })
  t.equal(kv.get('b'), null)
  const failing = () =>
    kv.apply({
      kind: 'batch',
      operations: [
        { kind: 'put', key: 'c', value },
        { kind: 'put', key: 'a', value, ifAbsent: true },
        { kind: 'delete', key: 'a', ifRevision: 2 },
        { kind: 'delete', key: 'c', ifRevision: 1 },
      ],
    })
  t.throws(failing, refused(1, 3))
  t.strictSame(kv.keys(), ['a'])
})

t.test('bytes that are no command are refused and change nothing', async (t) => {
  const machine = new KeyValueMachine()
  const entry = { index: 1, command: Buffer.from('hello') }
  t.throws(() => machine.apply(entry), { code: 'KV_COMMAND_INVALID' })
})

t.test('a run of entries gives a result each, refusals among them', async (t) => {
  const machine = new KeyValueMachine()
  const put = encodeCommand({ kind: 'put', key: 'a', value: Buffer.from('1'), ifAbsent: true })
  const results = machine.applyBatch([
    { index: 1, command: put },
    { index: 2, command: put },
    { index: 3, command: encodeCommand({ kind: 'delete', key: 'a' }) },
  ])
  t.match(results, [undefined, refused(0), true])
})

t.test('a stored value shares no memory with the command', async (t) => {
  const machine = new KeyValueMachine()
  const command = encodeCommand({ kind: 'put', key: 'a', value: Buffer.from('abc') })
  machine.apply({ index: 1, command })
  command.fill(0)
  const found = machine.query({ kind: 'get', key: 'a' })
  t.strictSame(found, { value: new Uint8Array(Buffer.from('abc')), revision: 1 })
  t.match(found, { value: { buffer: { byteLength: 3 } } }, 'nor keeps the batch around it alive')
})

t.test('lists come in byte order, by prefix, page by page', async (t) => {
  const kv = new Applied()
  for (const key of ['b', 'a/2', 'a/1', 'a', 'é', '😀', '\uffee', 'a0', 'Z']) kv.put(key, key)
  t.strictSame(kv.keys(), ['Z', 'a', 'a/1', 'a/2', 'a0', 'b', 'é', '\uffee', '😀'])
  t.strictSame(kv.keys({ prefix: 'a/' }), ['a/1', 'a/2'])
  t.strictSame(kv.keys({ prefix: 'a/', after: 'a/1' }), ['a/2'])
  t.strictSame(kv.keys({ prefix: 'a/', after: 'A' }), ['a/1', 'a/2'])
  t.strictSame(kv.keys({ prefix: 'a/', after: 'b' }), [])
  t.strictSame(kv.keys({ after: 'é' }), ['\uffee', '😀'])
  t.strictSame(kv.keys({ prefix: 'nothing' }), [])
  const first = kv.list({ limit: 4 })
  t.equal(first.next, 'a/2')
  t.strictSame(kv.list({ after: first.next ?? '', limit: 5 }).next, null)
  t.strictSame(kv.list({ limit: 1, values: false }).items, [{ key: 'Z', value: null, revision: 9 }])
})

t.test('a list of large values stops at its byte bound, with at least one item', async (t) => {
  const kv = new Applied()
  const value = new Uint8Array(maxValueBytes)
  for (const key of ['a', 'b', 'c', 'd']) kv.apply({ kind: 'put', key, value })
  const first = kv.list()
  t.equal(first.items.length, 2)
  t.equal(first.next, 'b')
  t.equal(kv.list({ after: 'b' }).next, null)
  t.equal(kv.list({ values: false }).items.length, 4)
})

t.test('the same commands give the same state and snapshot on every replica', async (t) => {
  const snapshots = []
  for (let replica = 0; replica < 2; replica++) {
    const random = new SeededRandom(3)
    const kv = new Applied()
    for (let i = 0; i < 3000; i++) {
      const key = `k${random.below(500)}`
      if (random.next() < 0.3) kv.apply({ kind: 'delete', key })
      else kv.apply({ kind: 'put', key, value: random.bytes(random.below(40)) })
    }
    const chunks: Uint8Array[] = []
    await kv.machine.snapshot().persist({ write: async (bytes) => void chunks.push(bytes) })
    snapshots.push(Buffer.concat(chunks).toString('hex'))
  }
  t.equal(snapshots[0], snapshots[1])
})
