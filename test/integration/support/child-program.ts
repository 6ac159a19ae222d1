import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'

type Result =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly code: string; readonly message: string }

interface Message {
  readonly ready?: true
  readonly call?: number
  readonly result?: Result
}

/** A program of test/fixtures/programs in a process of its own, driven by calls over IPC. */
export class ChildProgram<Command extends { readonly kind: string }> {
  readonly #script: URL
  readonly #calls = new Map<number, (result: Result) => void>()
  #child: ChildProcess | null = null
  #call = 0

  constructor(name: string) {
    this.#script = new URL(`../../fixtures/programs/${name}.js`, import.meta.url)
  }

  /** Resolves when it says that it is ready. */
  async start(setup: unknown): Promise<void> {
    const child = fork(this.#script, [JSON.stringify(setup)], { serialization: 'advanced' })
    this.#child = child
    await new Promise<void>((resolve, reject) => {
      child.once('exit', (code) => reject(new Error(`the program exited with code ${code}`)))
      child.on('message', ({ ready, call, result }: Message) => {
        if (ready === true) resolve()
        if (call === undefined || result === undefined) return
        this.#calls.get(call)?.(result)
        this.#calls.delete(call)
      })
    })
  }

  async call<R>(command: Command): Promise<R> {
    const call = ++this.#call
    const answered = new Promise<Result>((resolve) => this.#calls.set(call, resolve))
    this.#child?.send({ call, command })
    const result = await answered
    if (result.ok) return result.value as R
    throw Object.assign(new Error(result.message), { code: result.code })
  }

  async kill(): Promise<void> {
    const child = this.#running()
    if (child === null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  }

  /** Sends `close` and waits for the end. */
  async close(command: Command): Promise<void> {
    const child = this.#running()
    if (child === null) return
    const exited = once(child, 'exit')
    await this.call(command)
    await exited
  }

  #running(): ChildProcess | null {
    const child = this.#child
    return child === null || child.exitCode !== null || child.signalCode !== null ? null : child
  }
}
