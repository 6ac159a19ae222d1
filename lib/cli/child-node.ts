import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { after } from '../runtime/clock.js'
import type { PlannedNode } from './dev-plan.js'
import { noteLine, type OutputEvent } from './output.js'
import { mainPath } from './runnable.js'

export interface ChildExit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** How long a node may take to stop before it is killed. */
const stopTimeoutMs = 10_000

/** A node in a process of its own. */
export class ChildNode {
  readonly plan: PlannedNode
  readonly exited: Promise<ChildExit>
  readonly #process: ChildProcess
  #exit: ChildExit | null = null

  constructor(plan: PlannedNode, onEvent: (event: OutputEvent, node: ChildNode) => void) {
    this.plan = plan
    const args = [
      mainPath,
      ...plan.serveArgs,
      '--json',
      '--log-level',
      'warn',
      '--exit-with-parent',
    ]
    this.#process = spawn(process.execPath, args, {
      // A process group of its own: Ctrl-C reaches `troupe dev` alone, which stops its nodes in order.
      detached: true,
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    })
    const lines = createInterface({ input: this.#process.stdout as Readable })
    lines.on('line', (line) => {
      const event = eventIn(line)
      if (event === null) noteLine(line)
      else onEvent(event, this)
    })
    this.exited = new Promise((resolve) => {
      const settle = (exit: ChildExit) => {
        this.#exit ??= exit
        resolve(this.#exit)
      }
      this.#process.once('exit', (code, signal) => settle({ code, signal }))
      this.#process.once('error', () => settle({ code: null, signal: null }))
    })
  }

  get pid(): number {
    return this.#process.pid ?? 0
  }

  get running(): boolean {
    return this.#exit === null
  }

  async stop(): Promise<void> {
    this.#process.kill('SIGTERM')
    const timer = after(stopTimeoutMs, () => this.kill())
    await this.exited
    timer.cancel()
  }

  kill(): void {
    this.#process.kill('SIGKILL')
  }
}

/** Null for a line of someone else: a module that writes to stdout must not end the cluster. */
function eventIn(line: string): OutputEvent | null {
  try {
    const event = JSON.parse(line) as OutputEvent | null
    return typeof event?.event === 'string' ? event : null
  } catch {
    return null
  }
}
