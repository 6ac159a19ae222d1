import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'

export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

export const mainPath = fileURLToPath(new URL('../../lib/cli/main.js', import.meta.url))

/** A `troupe` command that runs: its lines as they come, and its end. */
export class TroupeProcess {
  readonly ended: Promise<Ended>
  readonly #process: ChildProcess
  readonly #lines = { stdout: [] as string[], stderr: [] as string[] }
  readonly #waiting = new Set<() => void>()
  #over = false

  constructor(file: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
    // A process group of its own, so that a test can do to it what Ctrl-C in a terminal does.
    this.#process = spawn(file, args, {
      detached: true,
      env: { ...process.env, TROUPE_EXIT_WITH_PARENT: '1', ...env },
      // The channel closes with the test, however that ends: nothing is left running.
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    })
    for (const stream of ['stdout', 'stderr'] as const) {
      const lines = createInterface({ input: this.#process[stream] as Readable })
      lines.on('line', (line) => {
        this.#lines[stream].push(line)
        this.#wake()
      })
    }
    this.ended = once(this.#process, 'close').then(([code, signal]) => {
      this.#over = true
      this.#wake()
      return { code, signal, ...this.output }
    })
  }

  get pid(): number {
    return this.#process.pid ?? 0
  }

  get output(): { readonly stdout: string; readonly stderr: string } {
    const { stdout, stderr } = this.#lines
    return { stdout: stdout.join('\n'), stderr: stderr.join('\n') }
  }

  /** The first match in a line of the stream; rejects when the process ends without one. */
  async match(stream: 'stdout' | 'stderr', pattern: RegExp): Promise<RegExpExecArray> {
    for (let next = 0; ; ) {
      const lines = this.#lines[stream]
      for (; next < lines.length; next++) {
        const found = pattern.exec(lines[next] ?? '')
        if (found !== null) return found
      }
      if (this.#over) throw new Error(`ended without ${pattern}: ${JSON.stringify(this.output)}`)
      await new Promise<void>((resolve) => this.#waiting.add(resolve))
    }
  }

  signal(signal: NodeJS.Signals): void {
    if (!this.#over) process.kill(this.pid, signal)
  }

  /** To every process of its group, as a terminal does. */
  signalGroup(signal: NodeJS.Signals): void {
    if (!this.#over) process.kill(-this.pid, signal)
  }

  #wake(): void {
    for (const resume of this.#waiting) resume()
    this.#waiting.clear()
  }
}

export function troupe(args: readonly string[], env?: Readonly<Record<string, string>>) {
  return new TroupeProcess(process.execPath, [mainPath, ...args], env)
}

/** A line that `troupe dev` printed for people to run in a shell. */
export function shell(line: string): TroupeProcess {
  return new TroupeProcess('/bin/sh', ['-c', `exec ${line}`])
}
