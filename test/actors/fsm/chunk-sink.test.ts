import t from 'tap'
import { ChunkSink } from '../../../actors/fsm/chunk-sink.js'

/** A sink whose chunks stay on their way until the test takes them. */
function openSink(maxChunks = 3, chunkBytes = 10, rest?: (goOn: () => void) => boolean) {
  const received: string[] = []
  const memory = new Set<unknown>()
  const untaken: { take: () => void; refuse: (error: Error) => void }[] = []
  const sink = new ChunkSink({
    chunkBytes,
    maxChunks,
    ...(rest !== undefined && { rest }),
    send: (bytes) =>
      new Promise<void>((resolve, reject) => {
        received.push(Buffer.from(bytes).toString())
        memory.add(bytes.buffer)
        untaken.push({ take: resolve, refuse: reject })
      }),
  })
  return { sink, received, memory, untaken }
}

const settled = () => new Promise((resolve) => setImmediate(resolve))

async function isPending(promise: Promise<unknown>): Promise<boolean> {
  let pending = true
  const done = (): void => {
    pending = false
  }
  promise.then(done, done)
  await settled()
  return pending
}

t.test('a write waits while too many chunks are on their way', async (t) => {
  const { sink, received, untaken } = openSink()
  const write = sink.write(Buffer.from('0123456789'.repeat(4)))
  t.ok(await isPending(write))
  t.equal(received.length, 3, 'all three chunks are on their way')
  untaken.shift()?.take()
  t.notOk(await isPending(write))
  t.equal(received.length, 4)
})

t.test('all of a long write goes through a few buffers', async (t) => {
  const { sink, received, memory, untaken } = openSink()
  const text = Array.from({ length: 1000 }, (_, i) => i % 10).join('')
  const write = sink.write(Buffer.from(text))
  while (received.length < 100) {
    untaken.shift()?.take()
    await settled()
  }
  await write
  t.equal(received.join(''), text)
  t.equal(memory.size, 3)
  t.ok([...memory].every((buffer) => buffer instanceof SharedArrayBuffer))
})

t.test('what is left is sent at the end, which waits until all is taken', async (t) => {
  const { sink, received, untaken } = openSink()
  await sink.write(Buffer.from('abc'))
  await sink.write(Buffer.from('de'))
  t.strictSame(received, [])
  const finished = sink.finish()
  t.ok(await isPending(finished))
  t.strictSame(received, ['abcde'])
  untaken[0]?.take()
  await finished
})

t.test('a short write does not overtake a long one that waits', async (t) => {
  const { sink, received } = openSink()
  await sink.write(Buffer.from('abc'))
  void sink.write(Buffer.from('12345678'))
  await sink.write(Buffer.from('d'))
  void sink.finish()
  await settled()
  t.strictSame(received, ['abc1234567', '8d'])
})

t.test('a chunk that is refused fails the writes and the end', async (t) => {
  const { sink, untaken } = openSink()
  const write = sink.write(Buffer.alloc(100))
  await settled()
  untaken[0]?.refuse(new Error('disk full'))
  await t.rejects(write, { message: 'disk full' })
  await t.rejects(sink.write(Buffer.from('x')), { message: 'disk full' })
  await t.rejects(sink.finish(), { message: 'disk full' })
})

t.test('cancelling ends a write that waits for room', async (t) => {
  const { sink } = openSink()
  const write = sink.write(Buffer.alloc(100))
  t.ok(await isPending(write))
  sink.cancel(new Error('closing'))
  await t.rejects(write, { message: 'closing' })
})

t.test('a long write rests when it is told to, and goes on from there', async (t) => {
  const rests: (() => void)[] = []
  let mayGoOn = true
  const rest = (goOn: () => void) => !mayGoOn && rests.push(goOn) > 0
  const { sink, received, untaken } = openSink(3, 10, rest)
  await sink.write(Buffer.from('0123456789'))
  mayGoOn = false
  const write = sink.write(Buffer.from('abcdefghij'))
  untaken[0]?.take()
  t.ok(await isPending(write), 'an answer does not end the rest')
  t.equal(received.length, 1)
  mayGoOn = true
  rests.shift()?.()
  await write
  t.strictSame(received, ['0123456789', 'abcdefghij'])
  mayGoOn = false
  const cancelled = sink.write(Buffer.from('k'))
  await settled()
  sink.cancel(new Error('closing'))
  await t.rejects(cancelled, { message: 'closing' })
})

t.test('a write after the end is refused and says why', async (t) => {
  const { sink, received } = openSink()
  await sink.finish()
  await t.rejects(sink.write(Buffer.from('late')), { message: /after persist had returned/ })
  t.strictSame(received, [])
})

t.test('a failed write that nobody awaits does not end the process', async (t) => {
  const { sink, untaken } = openSink()
  void sink.write(Buffer.alloc(100))
  await settled()
  untaken[0]?.refuse(new Error('disk full'))
  await settled()
  t.match(sink.failure, { message: 'disk full' })
})
