import t from 'tap'
import { CommandError } from '../../lib/fsm/state-machine.js'
import { keyText } from '../../lib/kv/keys.js'
import {
  decodeCommand,
  encodeCommand,
  type KvOperation,
  maxCommandBytes,
  maxValueBytes,
} from '../../lib/kv/kv-commands.js'
import { SeededRandom } from '../helpers/seeded-random.js'

const invalid = { name: 'CommandError', code: 'KV_COMMAND_INVALID' }

function randomOperation(random: SeededRandom): KvOperation {
  const key = ['a', 'ключ', 'a/b c', '😀'.repeat(1 + random.below(200)), '\u0000'][random.below(5)]
  const condition = [{}, { ifRevision: random.below(2 ** 31) * 2 ** 22 }, { ifAbsent: true }][
    random.below(3)
  ]
  return random.next() < 0.5
    ? { kind: 'delete', key: key ?? '', ...condition }
    : { kind: 'put', key: key ?? '', value: random.bytes(random.below(300)), ...condition }
}

/** An operation as decodeCommand gives it back, with the key as text. */
function expected(operation: KvOperation) {
  return {
    kind: operation.kind,
    key: operation.key,
    value: operation.kind === 'put' ? [...operation.value] : [],
    expected: operation.ifAbsent ? 0 : (operation.ifRevision ?? null),
  }
}

t.test('every command decodes to what was encoded', async (t) => {
  const random = new SeededRandom(7)
  for (let i = 0; i < 300; i++) {
    const operations = Array.from({ length: 1 + random.below(128) }, () => randomOperation(random))
    const single = operations[0]
    if (single === undefined) return t.fail()
    const batch = i % 2 === 0
    const command = batch ? ({ kind: 'batch', operations } as const) : single
    const decoded = decodeCommand(encodeCommand(command))
    t.equal(decoded.batch, batch)
    t.strictSame(
      decoded.operations.map((o) => ({ ...o, key: keyText(o.key), value: [...o.value] })),
      (batch ? operations : [single]).map(expected),
    )
  }
})

t.test('the largest batch fits maxCommandBytes', async (t) => {
  const operations = Array.from({ length: 128 }, (_, i) => ({
    kind: 'put' as const,
    key: 'x'.repeat(1024),
    value: new Uint8Array(maxValueBytes / 128),
    ifRevision: i,
  }))
  t.equal(encodeCommand({ kind: 'batch', operations }).length, maxCommandBytes)
})

t.test('commands that no replica would accept are refused before they are sent', async (t) => {
  const put = (key: string, more: object = {}) =>
    encodeCommand({ kind: 'put', key, value: new Uint8Array(), ...more })
  const badKey = { code: 'KV_KEY_INVALID' }
  t.throws(() => put(''), badKey)
  t.throws(() => put('x'.repeat(1025)), badKey)
  t.throws(() => put('é'.repeat(513)), badKey, 'bytes count, not characters')
  t.throws(() => put('\ud800'), badKey)
  t.throws(() => put('a', { ifRevision: -1 }), invalid)
  t.throws(() => put('a', { ifRevision: 1.5 }), invalid)
  t.throws(() => put('a', { ifRevision: 1, ifAbsent: true }), invalid)
  t.throws(() => encodeCommand({ kind: 'batch', operations: [] }), invalid)
  const many = Array.from({ length: 129 }, () => ({ kind: 'delete' as const, key: 'a' }))
  t.throws(() => encodeCommand({ kind: 'batch', operations: many }), invalid)
})

t.test('any damage to a command is a CommandError or another command, never a crash', async (t) => {
  const random = new SeededRandom(11)
  const operations = Array.from({ length: 5 }, () => randomOperation(random))
  const good = encodeCommand({ kind: 'batch', operations })
  for (let length = 0; length < good.length; length++) {
    t.throws(() => decodeCommand(good.subarray(0, length)), invalid, `cut to ${length}`)
  }
  t.throws(() => decodeCommand(Buffer.concat([good, Buffer.alloc(1)])), invalid)
  for (let i = 0; i < 5000; i++) {
    const bad = Uint8Array.from(good)
    bad[random.below(bad.length)] = random.below(256)
    try {
      decodeCommand(bad)
    } catch (error) {
      if (!(error instanceof CommandError)) t.fail(String(error))
    }
  }
})
