import { BroadcastChannel } from 'node:worker_threads'
import { HEARTBEAT_CHANNEL } from './heartbeat-probe.js'

/** The main thread's side of heartbeat-probe.ts: when heartbeats reached the inbound actor. */
export class HeartbeatRecord {
  readonly #channel = new BroadcastChannel(HEARTBEAT_CHANNEL)
  #times: number[] = []

  constructor() {
    this.#channel.onmessage = ({ data }: { data: unknown }) => {
      this.#times.push(data as number)
    }
    this.#channel.unref()
  }

  /** Milliseconds of `now()`, oldest first; they are forgotten here. */
  take(): readonly number[] {
    const taken = this.#times
    this.#times = []
    return taken
  }

  close(): void {
    this.#channel.close()
  }
}
