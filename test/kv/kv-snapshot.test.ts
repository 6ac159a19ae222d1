import { createHash } from 'node:crypto'
import t from 'tap'
import { encodeCommand } from '../../lib/kv/kv-commands.js'
import { KeyValueMachine } from '../../lib/kv/kv-machine.js'
import type { KvListAnswer } from '../../lib/kv/kv-queries.js'
import { SeededRandom } from '../helpers/seeded-random.js'

function fill(machine: KeyValueMachine, count: number, random: SeededRandom) {
  for (let index = 1; index <= count; index++) {
    const key = `${'ключ'.repeat(random.below(30))}${random.below(count)}`
    const value = random.bytes(index === 5 ? 700_000 : random.below(200))
    machine.apply({ index, command: encodeCommand({ kind: 'put', key, value }) })
  }
}

function everything(machine: KeyValueMachine) {
  const all = { kind: 'list', prefix: '', after: null, limit: 1e6, values: true } as const
  return (machine.query(all) as KvListAnswer).items
}

/** Of all keys, values and revisions: quicker to compare than they are. */
function digest(machine: KeyValueMachine): string {
  const hash = createHash('sha256')
  for (const { key, value, revision } of everything(machine)) {
    hash.update(`${key.length}:${key}:${revision}:${value?.length}:`).update(value ?? '')
  }
  return hash.digest('hex')
}

async function persisted(machine: KeyValueMachine, during = () => {}): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  const capture = machine.snapshot()
  await capture.persist({
    write: async (bytes) => {
      during()
      chunks.push(bytes)
    },
  })
  return Buffer.concat(chunks)
}

/** The bytes in chunks of random lengths, in memory that is overwritten once the next is asked for. */
async function* chopped(bytes: Uint8Array, random: SeededRandom) {
  for (let at = 0; at < bytes.length; ) {
    const chunk = Uint8Array.from(bytes.subarray(at, at + random.below(50_000)))
    at += chunk.length
    yield chunk
    chunk.fill(0xff)
  }
}

t.test('a restored machine holds what the snapshot held, whatever the chunks', async (t) => {
  const machine = new KeyValueMachine()
  fill(machine, 3000, new SeededRandom(1))
  const bytes = await persisted(machine)
  for (let seed = 1; seed <= 5; seed++) {
    const copy = new KeyValueMachine()
    await copy.restore(chopped(bytes, new SeededRandom(seed)))
    t.equal(digest(copy), digest(machine))
  }
})

t.test('an empty machine has a snapshot too', async (t) => {
  const copy = new KeyValueMachine()
  fill(copy, 10, new SeededRandom(1))
  await copy.restore(chopped(await persisted(new KeyValueMachine()), new SeededRandom(1)))
  t.strictSame(everything(copy), [])
})

t.test('commands applied while a snapshot is written are not in it', async (t) => {
  const machine = new KeyValueMachine()
  fill(machine, 3000, new SeededRandom(2))
  const before = digest(machine)
  const keys = everything(machine).map((item) => item.key)
  let index = 3000
  const bytes = await persisted(machine, () => {
    for (const key of keys) {
      index++
      const kind = index % 3 === 0 ? 'delete' : 'put'
      const command = encodeCommand({ kind, key, value: Buffer.from(`late ${index}`) })
      machine.apply({ index, command })
    }
  })
  const copy = new KeyValueMachine()
  await copy.restore(chopped(bytes, new SeededRandom(9)))
  t.equal(digest(copy), before)
  t.not(digest(machine), before)
})

t.test('a snapshot that is cut, foreign or of another version leaves the old state', async (t) => {
  const source = new KeyValueMachine()
  fill(source, 100, new SeededRandom(1))
  const good = await persisted(source)
  const foreign = Buffer.from(good)
  foreign.write('XXXX')
  const newer = Buffer.from(good)
  newer.writeUInt32LE(2, 4)
  const miscounted = Buffer.from(good)
  miscounted.writeUInt8(1, good.length - 8)
  const machine = new KeyValueMachine()
  fill(machine, 20, new SeededRandom(4))
  const before = digest(machine)
  const cuts = [0, 7, 20, good.length >> 1, good.length - 1].map((at) => good.subarray(0, at))
  for (const bad of [...cuts, foreign, newer, miscounted]) {
    await t.rejects(machine.restore(chopped(bad, new SeededRandom(1))), /snapshot/)
    t.equal(digest(machine), before)
  }
})

t.test('a snapshot is written in chunks of bounded size, each in memory of its own', async (t) => {
  const machine = new KeyValueMachine()
  fill(machine, 3000, new SeededRandom(1))
  const seen = new Set<ArrayBufferLike>()
  await machine.snapshot().persist({
    write: async (bytes) => {
      t.ok(bytes.length <= 256 * 1024)
      t.notOk(seen.has(bytes.buffer))
      seen.add(bytes.buffer)
    },
  })
})
