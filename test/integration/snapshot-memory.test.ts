import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import type { StreamAnswer } from '../fixtures/machines/stream.js'
import type {
  SnapshotCommand,
  SnapshotSetup,
  SnapshotStatus,
} from '../fixtures/programs/snapshot-process.js'
import { TcpProxy } from '../helpers/tcp-proxy.js'
import { ChildProgram } from './support/child-program.js'
import { freePort } from './support/processes.js'

/** A snapshot far larger than what sender and receiver may use of memory, between two processes. */

const MIB = 1024 * 1024
const LONG = process.env.TROUPE_LONG === '1'
const STATE_BYTES = Number(process.env.TROUPE_STATE_MIB ?? (LONG ? 1024 : 0)) * MIB
const MOST_BYTES = 64 * MIB
const skip =
  process.platform !== 'linux' || STATE_BYTES === 0
    ? 'sends a snapshot of 1 GiB, on Linux: set TROUPE_LONG=1'
    : false

const config = {
  trailingLogEntries: 0,
  snapshotIntervalMs: 3_600_000,
  heartbeatTimeoutMs: 1000,
}

t.test(
  'a snapshot of 1 GiB raises the memory of both nodes by at most 64 MiB',
  { skip },
  async (t) => {
    const dir = await mkdtemp(join(tmpdir(), 'troupe-large-'))
    t.teardown(() => rm(dir, { recursive: true, force: true }))
    const ports = [await freePort(), await freePort()].map((port) => `127.0.0.1:${port}`)
    const [first = '', second = ''] = ports
    const proxy = await TcpProxy.start(second)
    t.teardown(() => proxy.close())
    const bootstrap = [
      { id: 'n1', address: first },
      { id: 'n2', address: proxy.address, suffrage: 'nonvoter' as const },
    ]
    const begin = async (setup: Pick<SnapshotSetup, 'id' | 'listen' | 'advertise'>) => {
      const node = new ChildProgram<SnapshotCommand>('snapshot-process')
      t.teardown(() => node.kill())
      await node.start({ ...setup, dataDir: join(dir, setup.id), bootstrap, config })
      return node
    }
    const sender = await begin({ id: 'n1', listen: first, advertise: first })
    const receiver = await begin({ id: 'n2', listen: second, advertise: proxy.address })
    const warm = await sender.call<number>({ kind: 'apply', text: 'size 1000000' })
    await receiver.call({ kind: 'applied', index: warm })
    proxy.cut()
    await sender.call({ kind: 'apply', text: `size ${STATE_BYTES}` })

    const before = await sender.call<number>({ kind: 'measure' })
    t.match(await sender.call({ kind: 'snapshot' }), { bytes: STATE_BYTES })
    const captured = await sender.call<number>({ kind: 'peak' })
    const senderBefore = await sender.call<number>({ kind: 'measure' })
    const receiverBefore = await receiver.call<number>({ kind: 'measure' })
    const last = await sender.call<number>({ kind: 'apply', text: 'behind it' })
    const start = process.hrtime.bigint()
    proxy.mend()
    await receiver.call({ kind: 'applied', index: last })
    const seconds = Number(process.hrtime.bigint() - start) / 1e9
    const senderPeak = await sender.call<number>({ kind: 'peak' })
    const receiverPeak = await receiver.call<number>({ kind: 'peak' })

    const answer = await receiver.call<StreamAnswer>({ kind: 'answer' })
    t.strictSame(answer, { size: STATE_BYTES, verified: STATE_BYTES })
    const status = await receiver.call<SnapshotStatus>({ kind: 'status' })
    t.match(status.progress.at(-1), `restore ${STATE_BYTES}/${STATE_BYTES}`)
    const mib = (bytes: number): string => `${(bytes / MIB).toFixed(1)} MiB`
    const grown = (from: number, to: number): string => `${mib(from)} -> ${mib(to)}`
    t.comment(`capture: ${grown(before, captured)}`)
    t.comment(`sender: ${grown(senderBefore, senderPeak)}`)
    t.comment(`receiver: ${grown(receiverBefore, receiverPeak)}`)
    t.comment(`${seconds.toFixed(1)} s, ${mib(proxy.bytes)} sent`)
    t.ok(captured - before <= MOST_BYTES, `capture: ${mib(captured - before)}`)
    t.ok(senderPeak - senderBefore <= MOST_BYTES, `sender: ${mib(senderPeak - senderBefore)}`)
    t.ok(
      receiverPeak - receiverBefore <= MOST_BYTES,
      `receiver: ${mib(receiverPeak - receiverBefore)}`,
    )
    await Promise.all([sender, receiver].map((node) => node.close({ kind: 'close' })))
  },
)
