import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import type { CallName, NodeCalls, NodeReport, NodeSetup } from './node-calls.js'

interface Pending {
  resolve(value: unknown): void
  reject(error: Error): void
}

/** One node in a process of its own, seen from the parent. */
export class NodeProcess {
  readonly setup: NodeSetup
  readonly #calls = new Map<number, Pending>()
  #child: ChildProcess | null = null
  #call = 0
  #onLeading: () => void = () => {}

  constructor(setup: NodeSetup) {
    this.setup = setup
  }

  get id(): string {
    return this.setup.id
  }

  get pid(): number {
    const pid = this.#child?.pid
    if (pid === undefined) throw new Error(`${this.id} does not run`)
    return pid
  }

  /** `onLeading` is called whenever it becomes leader. Resolves when it takes calls. */
  async start(onLeading: () => void): Promise<void> {
    this.#onLeading = onLeading
    const script = new URL('./node-program.js', import.meta.url)
    const probe = new URL('./heartbeat-probe.js', import.meta.url)
    const child = fork(script, [JSON.stringify(this.setup)], {
      serialization: 'advanced',
      execArgv: this.setup.stallable ? ['--import', probe.href] : [],
    })
    this.#child = child
    await new Promise<void>((resolve, reject) => {
      this.#calls.set(0, { resolve: () => resolve(), reject })
      child.on('message', (report: NodeReport) => this.#take(report))
      child.once('exit', (code, signal) => this.#ended(signal ?? `code ${code}`))
    })
  }

  async call<Name extends CallName>(
    name: Name,
    ...[argument]: Parameters<NodeCalls[Name]>
  ): Promise<ReturnType<NodeCalls[Name]>> {
    const child = this.#child
    if (child === null) throw new Error(`${this.id} does not run`)
    const call = ++this.#call
    const answered = new Promise<unknown>((resolve, reject) => {
      this.#calls.set(call, { resolve, reject })
    })
    child.send({ call, name, argument })
    return (await answered) as ReturnType<NodeCalls[Name]>
  }

  signal(name: 'SIGSTOP' | 'SIGCONT'): void {
    this.#child?.kill(name)
  }

  async kill(): Promise<void> {
    const child = this.#child
    if (child === null) return
    const exited = once(child, 'exit')
    child.kill('SIGKILL')
    await exited
  }

  async close(): Promise<void> {
    const child = this.#child
    if (child === null) return
    const exited = once(child, 'exit')
    await this.call('close')
    await exited
  }

  #take(report: NodeReport): void {
    switch (report.kind) {
      case 'ready':
        return this.#settle(0, (pending) => pending.resolve(null))
      case 'leading':
        return this.#onLeading()
      case 'answered':
        return this.#settle(report.call, (pending) => pending.resolve(report.value))
      case 'failed':
        return this.#settle(report.call, (pending) => pending.reject(new Error(report.message)))
    }
  }

  #settle(call: number, how: (pending: Pending) => void): void {
    const pending = this.#calls.get(call)
    this.#calls.delete(call)
    if (pending !== undefined) how(pending)
  }

  #ended(by: string): void {
    this.#child = null
    for (const call of [...this.#calls.keys()]) {
      this.#settle(call, (pending) => pending.reject(new Error(`${this.id} ended with ${by}`)))
    }
  }
}
