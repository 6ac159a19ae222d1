import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { ClosedLoop, LoadFigures } from '../cluster/node-calls.js'

type PeerReport =
  | { readonly kind: 'leading' }
  | { readonly kind: 'measured'; readonly figures: LoadFigures }
  | { readonly kind: 'failed'; readonly message: string }

/** One node of a peer in a process of its own: JSON lines there and back (load/load.go). */
export class PeerProcess {
  /** Resolves once it leads; rejects when it fails before. */
  readonly leading: Promise<this>
  readonly #child: ChildProcessWithoutNullStreams
  readonly #exited: Promise<unknown>
  #measured: { resolve(figures: LoadFigures): void; reject(error: Error): void } | null = null

  constructor(program: string, args: readonly string[]) {
    this.#child = spawn(program, args)
    this.#child.stderr.pipe(process.stderr)
    this.#exited = once(this.#child, 'exit')
    this.leading = new Promise((resolve, reject) => {
      const fail = (error: Error): void => {
        reject(error)
        this.#measured?.reject(error)
      }
      createInterface(this.#child.stdout).on('line', (line) => {
        const report = JSON.parse(line) as PeerReport
        if (report.kind === 'leading') resolve(this)
        else if (report.kind === 'measured') this.#measured?.resolve(report.figures)
        else fail(new Error(report.message))
      })
      this.#child.once('error', fail)
      this.#child.once('exit', (code) => fail(new Error(`${program} ended with code ${code}`)))
    })
    // Only one of a cluster leads; of the others nobody waits for it.
    this.leading.catch(() => {})
  }

  load(options: ClosedLoop & { readonly warmUpSeconds: number }): Promise<LoadFigures> {
    const measured = new Promise<LoadFigures>((resolve, reject) => {
      this.#measured = { resolve, reject }
    })
    this.#send({ kind: 'load', ...options })
    return measured
  }

  async close(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      this.#send({ kind: 'stop' })
      await this.#exited
    }
  }

  #send(command: object): void {
    this.#child.stdin.write(`${JSON.stringify(command)}\n`)
  }
}
