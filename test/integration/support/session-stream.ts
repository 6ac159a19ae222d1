import type { NodeProcess } from './processes.js'

let streams = 0

/** Commands through one process's session, batch after batch, until it is told to stop. */
export class SessionStream {
  readonly ends: string[] = []
  readonly sent: string[] = []
  readonly stopped: Promise<void>
  /** Of everything that it sends, unlike that of any other stream. */
  readonly prefix: string
  readonly #process: NodeProcess
  #stop = false
  #wake: () => void = () => {}

  constructor(process: NodeProcess) {
    this.#process = process
    this.prefix = `${process.id}.${++streams}.`
    this.stopped = this.#run()
  }

  /** Resolves once so many more commands have ended. */
  async more(count: number): Promise<void> {
    const goal = this.ends.length + count
    while (this.ends.length < goal) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }

  async stop(): Promise<void> {
    this.#stop = true
    await this.stopped
  }

  async #run(): Promise<void> {
    while (!this.#stop) {
      const from = this.sent.length
      const texts = Array.from({ length: 40 }, (_, i) => `${this.prefix}${from + i}`)
      this.sent.push(...texts)
      const ends = await this.#process.call({ kind: 'sessionApply', texts })
      this.ends.push(...(ends as string[]))
      this.#wake()
    }
  }
}
