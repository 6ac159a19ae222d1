import t from 'tap'
import { bytesCodec, codecSpec, jsonCodec } from '../../lib/fsm/codecs.js'
import { loadCodec } from '../../lib/fsm/load.js'
import type { Codec } from '../../lib/fsm/state-machine.js'

function shared(bytes: Uint8Array): Uint8Array {
  const copy = new Uint8Array(new SharedArrayBuffer(bytes.length))
  copy.set(bytes)
  return copy
}

t.test('a JSON command comes back as it was, also out of shared memory', async (t) => {
  const codec = jsonCodec<{ readonly text: string; readonly n: number }>()
  const command = { text: 'größer ☃', n: -1.5 }
  t.strictSame(codec.decode(shared(codec.encode(command))), command)
})

t.test('what JSON has no text for is refused before it is proposed', async (t) => {
  const codec = jsonCodec<unknown>()
  t.throws(() => codec.encode(undefined), { message: /JSON value, found .*undefined/ })
})

t.test('without a codec only bytes are commands, and the error names the codec', async (t) => {
  const bytes = new Uint8Array([1, 2])
  t.equal(bytesCodec.encode(bytes), bytes)
  t.throws(() => bytesCodec.encode('text' as never), { message: /jsonCodec/ })
})

t.test('each codec crosses threads by name or by module', async (t) => {
  const module = new URL('../fixtures/machines/hex-codec.js', import.meta.url)
  t.strictSame(codecSpec(undefined), { kind: 'bytes' })
  t.strictSame(codecSpec(jsonCodec()), { kind: 'json' })
  const spec = structuredClone(codecSpec({ module }))
  const codec = (await loadCodec(spec)) as Codec<number>
  t.equal(Buffer.from(codec.encode(255)).toString(), 'ff')
  t.equal(codec.decode(Buffer.from('ff')), 255)
})

t.test('a codec module that cannot be used says what is missing', async (t) => {
  const url = new URL('../fixtures/machines/not-a-machine.js', import.meta.url).href
  const load = async (module: string) => loadCodec({ kind: 'module', module })
  await t.rejects(load(url), { code: 'RAFT_MODULE_LOAD', message: /`codec`/ })
  await t.rejects(load('file:///no/such/codec.js'), { code: 'RAFT_MODULE_LOAD' })
})
