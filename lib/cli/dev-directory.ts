import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { DevOptions } from './dev-plan.js'
import { Failure } from './failure.js'

/** In a directory of `troupe dev`: what the cluster in it was made with. */
interface Marker {
  readonly format: 1
  readonly nodes: number
  readonly store: string
  readonly httpPort: number
  readonly raftPort: number
  /** The `troupe dev` that runs the cluster, null when none does. */
  readonly pid: number | null
}

const markerName = 'troupe-dev.json'

/** The directory of a local cluster. Nothing is removed in it that `troupe dev` has not made. */
export class DevDirectory {
  readonly #path: string
  readonly #marker: Marker

  private constructor(path: string, marker: Marker) {
    this.#path = path
    this.#marker = marker
  }

  /** Takes the directory for this cluster; with `fresh`, without what an earlier one left in it. */
  static claim(options: DevOptions): DevDirectory {
    const { nodes, store, httpPort, raftPort, dir } = options
    const marker: Marker = { format: 1, nodes, store, httpPort, raftPort, pid: process.pid }
    const found = readMarker(dir)
    if (found === null) refuseForeign(dir)
    else {
      refuseRunning(dir, found)
      if (options.fresh === true) removeNodes(dir, found)
      else refuseDifferent(dir, found, marker)
    }
    mkdirSync(dir, { recursive: true })
    const directory = new DevDirectory(dir, marker)
    directory.#write(process.pid)
    return directory
  }

  release(): void {
    this.#write(null)
  }

  #write(pid: number | null): void {
    const text = `${JSON.stringify({ ...this.#marker, pid }, null, 2)}\n`
    writeFileSync(join(this.#path, markerName), text)
  }
}

function readMarker(dir: string): Marker | null {
  try {
    const found = JSON.parse(readFileSync(join(dir, markerName), 'utf8')) as Marker
    return found.format === 1 && Number.isSafeInteger(found.nodes) ? found : null
  } catch {
    return null
  }
}

function refuseForeign(dir: string): void {
  const content = entriesOf(dir)
  if (content.length === 0) return
  throw new Failure(
    `${dir} holds other things than a cluster of troupe dev (${content[0]}); name another directory with --dir`,
    { code: 'RAFT_DATA_DIR_FOREIGN' },
  )
}

function entriesOf(dir: string): readonly string[] {
  try {
    return readdirSync(dir)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

function refuseRunning(dir: string, { pid }: Marker): void {
  if (pid === null || pid === process.pid || !isAlive(pid)) return
  throw new Failure(
    `the cluster in ${dir} is run by process ${pid}; stop that first, or name another --dir (if ${pid} is something else, remove ${join(dir, markerName)})`,
    { code: 'RAFT_DATA_DIR_LOCKED' },
  )
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** Members keep their addresses and their number: other ones would be another cluster. */
function refuseDifferent(dir: string, found: Marker, wanted: Marker): void {
  for (const name of ['nodes', 'store', 'httpPort', 'raftPort'] as const) {
    if (found[name] === wanted[name]) continue
    const flag = `--${name.replace('Port', '-port')}`
    throw new Failure(
      `the cluster in ${dir} was made with ${flag} ${found[name]}, not ${wanted[name]}; say so again, name another --dir, or begin anew with --fresh`,
    )
  }
}

function removeNodes(dir: string, { nodes }: Marker): void {
  for (let i = 1; i <= nodes; i++) rmSync(join(dir, `n${i}`), { recursive: true, force: true })
}
