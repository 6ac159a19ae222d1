import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import type { LoadFigures, NodeCommand, NodeReport, NodeSetup } from './replicated-log-node.js'
import type { Flags } from './run.js'

/**
 * A replicated log as a program embeds it: one process a node, TCP on loopback, every acknowledgement
 * flushed, the load from the leader's own process through `node.apply`, closed loop, one promise a
 * command.
 */
export async function run(flags: Flags): Promise<void> {
  const settings = {
    nodes: Number(flags.nodes ?? 3),
    inflight: Number(flags.inflight ?? 1024),
    size: Number(flags.size ?? 256),
    store: String(flags.store ?? 'lmdb'),
    seconds: Number(flags.seconds ?? 5),
    consensus: String(flags.consensus ?? 'caller'),
  }
  const dir = await mkdtemp(
    join(flags.dir === undefined ? tmpdir() : String(flags.dir), 'troupe-bench-'),
  )
  const processes = await startNodes(settings, dir)
  try {
    const leader = await leaderOf(processes)
    const { inflight, size, seconds } = settings
    const figures = await measure(leader, {
      kind: 'load',
      inflight,
      size,
      seconds,
      warmUpSeconds: 3,
    })
    print({ bench: 'replicated-log', ...settings, ...figures, ...machine() }, flags)
  } finally {
    await Promise.all(processes.map(stop))
    await rm(dir, { recursive: true, force: true })
  }
}

async function startNodes(
  settings: { readonly nodes: number; readonly store: string; readonly consensus: string },
  dir: string,
): Promise<ChildProcess[]> {
  const ports = await Promise.all(Array.from({ length: settings.nodes }, freePort))
  const members = ports.map((port, i) => ({ id: `n${i + 1}`, address: `127.0.0.1:${port}` }))
  return members.map(({ id }) => {
    const setup: NodeSetup = {
      id,
      members,
      dataDir: join(dir, id),
      store: settings.store,
      consensus: settings.consensus,
    }
    const script = new URL('./replicated-log-node.js', import.meta.url)
    return fork(script, [JSON.stringify(setup)], { serialization: 'advanced' })
  })
}

async function leaderOf(processes: readonly ChildProcess[]): Promise<ChildProcess> {
  return await new Promise((resolve, reject) => {
    for (const child of processes) {
      child.on('message', (report: NodeReport) => {
        if (report.kind === 'leading') resolve(child)
        if (report.kind === 'failed') reject(new Error(report.message))
      })
      child.once('exit', (code) => reject(new Error(`a node exited with code ${code}`)))
    }
  })
}

async function measure(leader: ChildProcess, command: NodeCommand): Promise<LoadFigures> {
  const result = new Promise<LoadFigures>((resolve, reject) => {
    leader.on('message', (report: NodeReport) => {
      if (report.kind === 'measured') resolve(report.figures)
      if (report.kind === 'failed') reject(new Error(report.message))
    })
    leader.once('exit', (code) => reject(new Error(`the leader exited with code ${code}`)))
  })
  leader.send(command)
  return await result
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.send({ kind: 'stop' } satisfies NodeCommand)
  await once(child, 'exit')
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('no port was bound')
  return address.port
}

function machine() {
  const [cpu] = cpus()
  return { cpu: cpu?.model ?? 'unknown', cores: cpus().length, node: process.version }
}

function print(line: Readonly<Record<string, unknown>>, flags: Flags): void {
  if (flags.json === true) process.stdout.write(`${JSON.stringify(line)}\n`)
  else
    for (const [name, value] of Object.entries(line))
      process.stdout.write(`${name.padEnd(12)}${value}\n`)
}
