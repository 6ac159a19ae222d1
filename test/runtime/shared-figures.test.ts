import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import t from 'tap'
import { type FigureShape, SharedFigures } from '../../lib/runtime/shared-figures.js'

const shape: FigureShape<'sent' | 'open', 'ms'> = {
  numbers: ['sent', 'open'],
  histograms: { ms: 1 / 32 },
}

t.test('what the writer counts is read through the same memory', async (t) => {
  const memory = SharedFigures.allocate(shape)
  const writer = new SharedFigures(shape, memory)
  writer.add('sent')
  writer.add('sent', 4)
  writer.set('open', 7)
  writer.record('ms', 2)
  const { numbers, histograms } = new SharedFigures(shape, memory).read()
  t.strictSame(numbers, { sent: 5, open: 7 })
  t.equal(histograms.ms.count, 1)
  t.equal(histograms.ms.max, 2)
})

t.test('a reading does not change with what is counted later', async (t) => {
  const figures = new SharedFigures(shape)
  figures.record('ms', 1)
  const before = figures.read()
  figures.record('ms', 3)
  t.equal(before.histograms.ms.count, 1)
  t.equal(figures.read().histograms.ms.since(before.histograms.ms).sum, 3)
})

t.test('S8: a writer that died inside is read, and its successor goes on', async (t) => {
  const memory = SharedFigures.allocate(shape)
  new SharedFigures(shape, memory).add('sent', 3)
  Atomics.add(new Int32Array(memory, 0, 1), 0, 1)
  t.equal(new SharedFigures(shape, memory).read().numbers.sent, 3)
  const successor = new SharedFigures(shape, memory)
  successor.add('sent')
  t.equal(Atomics.load(new Int32Array(memory, 0, 1), 0) % 2, 0)
  t.equal(successor.read().numbers.sent, 4)
})

t.test('S8: a reader on another thread sees count and sum of the same moment', async (t) => {
  const memory = SharedFigures.allocate(shape)
  const url = new URL('../../lib/runtime/shared-figures.js', import.meta.url).href
  const worker = new Worker(
    `const { workerData: { memory, url, shape }, parentPort } = require('node:worker_threads')
     import(url).then(({ SharedFigures }) => {
       const figures = new SharedFigures(shape, memory)
       parentPort.postMessage('begun')
       for (let i = 0; i < 200_000; i++) figures.record('ms', 2)
     })`,
    { eval: true, workerData: { memory, url, shape } },
  )
  const ended = once(worker, 'exit')
  await once(worker, 'message')
  const reader = new SharedFigures(shape, memory)
  let torn = 0
  let seen = 0
  while (seen < 200_000) {
    const { ms } = reader.read().histograms
    seen = ms.count
    if (ms.sum !== 2 * ms.count) torn++
  }
  await ended
  t.equal(torn, 0)
})
