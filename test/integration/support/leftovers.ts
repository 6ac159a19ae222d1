import { readdirSync } from 'node:fs'
import { createServer } from 'node:net'

/** What keeps this process busy, as far as Node.js and the kernel tell. */
export interface Busy {
  /** Kinds of open handles and timers, with how many there are of each. */
  readonly resources: Readonly<Record<string, number>>
  /** Threads of the process; null where the kernel does not list them. */
  readonly threads: number | null
  /** Open files and sockets; null where the kernel does not list them. */
  readonly files: number | null
}

/** A joined thread, and what it had open, may still be listed for so many turns of the event loop. */
const KERNEL_TURNS = 1000

/** What keeps the process busy now; `before`: what is expected, so that the kernel is given its time. */
export async function busy(before?: Busy): Promise<Busy> {
  // A handle that is being closed goes at the end of the turn.
  await turn()
  await turn()
  const resources: Record<string, number> = {}
  for (const kind of process.getActiveResourcesInfo()) {
    resources[kind] = (resources[kind] ?? 0) + 1
  }
  for (let turns = 0; turns < KERNEL_TURNS; turns++) {
    if (before === undefined || (threads() === before.threads && files() === before.files)) break
    await turn()
  }
  return { resources, threads: threads(), files: files() }
}

export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

const threads = (): number | null => countOf('/proc/self/task')
const files = (): number | null => countOf('/proc/self/fd')

function countOf(directory: string): number | null {
  try {
    return readdirSync(directory).length
  } catch {
    return null
  }
}

/** Rejects when somebody still listens at `host:port`. */
export async function bindable(address: string): Promise<void> {
  const [host, port] = address.split(':')
  const server = createServer()
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host, port: Number(port) }, () => server.close(() => resolve()))
  })
}
