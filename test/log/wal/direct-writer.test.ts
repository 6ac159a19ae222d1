import { closeSync, constants, openSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { DirectMemory } from '../../../lib/log/wal/direct-writer.js'
import { nodeDisk } from '../../../lib/log/wal/node-disk.js'
import { SECTOR_BYTES } from '../../../lib/log/wal/segment-layout.js'
import { createStore } from '../../../lib/log/wal/wal-store.js'

const skip = canWriteDirectly(t.testdir()) ? false : 'no direct writes here'

function canWriteDirectly(directory: string): boolean {
  if (constants.O_DIRECT === undefined) return false
  try {
    const flags = constants.O_CREAT | constants.O_RDWR | constants.O_DIRECT
    closeSync(openSync(join(directory, 'probe'), flags))
    return true
  } catch {
    return false
  }
}

/** Bytes in which no two sectors are alike. */
function pattern(length: number): Buffer {
  const bytes = Uint8Array.from(
    { length },
    (_, at) => (at * 31 + Math.floor(at / SECTOR_BYTES)) % 251,
  )
  return Buffer.from(bytes)
}

/** Small areas, so that a write needs several of them. */
function memoryOf(areaBytes: number): DirectMemory {
  const whole = DirectMemory.make()
  if (whole === null) throw new Error('there is no memory for direct writes here')
  return new DirectMemory(whole.frames.buffer as ArrayBuffer, areaBytes)
}

/** Files of this process that are open for direct writes. */
function openedDirectly(directory: string): string[] {
  return readdirSync('/proc/self/fd').flatMap((descriptor) => {
    try {
      const path = readlinkSync(`/proc/self/fd/${descriptor}`)
      const flags = /flags:\s*(\d+)/.exec(readFileSync(`/proc/self/fdinfo/${descriptor}`, 'utf8'))
      const isDirect = (Number.parseInt(flags?.[1] ?? '0', 8) & constants.O_DIRECT) !== 0
      return isDirect && path.startsWith(directory) ? [path.slice(directory.length)] : []
    } catch {
      return [] // The descriptor of the listing itself is gone by now.
    }
  })
}

t.test(
  'segments are written past the page cache, term and vote through it',
  { skip },
  async (t) => {
    for (const directIo of [true, false]) {
      const dataDir = t.testdir({ [String(directIo)]: {} })
      const context = { nodeId: 'n1', dataDir, now: () => 0, warn: t.fail }
      const store = await createStore({ directIo }, context)
      await store.recover()
      await store.set({ term: pattern(9) })
      await store.compact(0)
      await store.reset(7, 3)
      await store.flush()
      const segment = '/wal/0000000000000001-0000000000000001.wal'
      t.same(openedDirectly(dataDir), directIo ? [segment] : [])
      await store.close()
      t.same(openedDirectly(dataDir), [], 'closed')
    }
  },
)

t.test('pieces of any length, longer than the memory for them, arrive in order', { skip }, (t) => {
  const path = join(t.testdir(), 'file')
  const memory = memoryOf(4096)
  const file = nodeDisk(t.fail, memory).create(path, 'direct')
  const bytes = pattern(23 * SECTOR_BYTES)
  const pieces = [bytes.subarray(0, 1), bytes.subarray(1, 5000), bytes.subarray(5000)]
  file.write([new Uint8Array(2 * SECTOR_BYTES), ...pieces], 0)
  file.write([bytes.subarray(0, SECTOR_BYTES)], SECTOR_BYTES)
  file.sync()
  const before = [new Uint8Array(SECTOR_BYTES), bytes.subarray(0, SECTOR_BYTES)]
  t.ok(readFileSync(path).equals(Buffer.concat([...before, bytes])))
  t.ok(memory.isSupported)
  file.close()
  t.end()
})

t.test('the background writes beside a frame, from memory of its own', { skip }, async (t) => {
  const path = join(t.testdir(), 'file')
  const file = nodeDisk(t.fail, memoryOf(8 * SECTOR_BYTES)).create(path, 'direct')
  const [first, second] = [pattern(8 * SECTOR_BYTES), pattern(3 * SECTOR_BYTES).reverse()]
  const filled = file.fill(first, 0)
  file.write([second], first.length)
  await filled
  const tooLong = pattern(9 * SECTOR_BYTES)
  await file.fill(tooLong, first.length + second.length)
  t.ok(readFileSync(path).equals(Buffer.concat([first, second, tooLong])))
  file.close()
})

t.test(
  'where whole sectors are refused, files are written through the cache',
  { skip },
  async (t) => {
    const path = join(t.testdir(), 'file')
    const memory = memoryOf(1000)
    const file = nodeDisk(t.fail, memory).create(path, 'direct')
    const bytes = pattern(6 * SECTOR_BYTES)
    file.write([bytes], 0)
    await file.fill(bytes, bytes.length)
    t.ok(readFileSync(path).equals(Buffer.concat([bytes, bytes])))
    t.notOk(memory.isSupported, 'and it is not tried again')
    file.close()
  },
)

t.test('what is no whole sector goes through the cache and is no refusal', { skip }, (t) => {
  const path = join(t.testdir(), 'file')
  const memory = memoryOf(4096)
  const file = nodeDisk(t.fail, memory).create(path, 'direct')
  file.write([pattern(100)], 0)
  file.write([pattern(SECTOR_BYTES)], 100)
  t.ok(readFileSync(path).equals(Buffer.concat([pattern(100), pattern(SECTOR_BYTES)])))
  t.ok(memory.isSupported)
  file.close()
  t.end()
})
