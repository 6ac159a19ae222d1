import type { FastifyInstance } from 'fastify'
import type { LiveSample } from './live-message.js'

/** Durations up to `lowestMs` share a class; each class above ends a twentieth later than the one before. */
const lowestMs = 0.05
const growth = 1.05
const classes = 400

/** Requests for keys, counted and timed between one look and the next. Bounded, whatever their number. */
export class RequestMeter {
  readonly #counts = new Uint32Array(classes)
  #writes = 0
  #reads = 0

  /** `ms`: from the request's head to the answer. */
  count(kind: 'write' | 'read', ms: number): void {
    if (kind === 'read') {
      this.#reads++
      return
    }
    this.#writes++
    const place = Math.ceil(Math.log(Math.max(ms, lowestMs) / lowestMs) / Math.log(growth))
    const found = Math.min(place, classes - 1)
    this.#counts[found] = (this.#counts[found] ?? 0) + 1
  }

  /** Since the last call, which was so long ago. */
  take(elapsedMs: number): Omit<LiveSample, 'at' | 'committedPerS'> {
    const perS = (count: number) => (elapsedMs > 0 ? (count * 1000) / elapsedMs : 0)
    const taken = {
      writesPerS: perS(this.#writes),
      readsPerS: perS(this.#reads),
      writeP50Ms: this.#quantile(0.5),
      writeP99Ms: this.#quantile(0.99),
    }
    this.#counts.fill(0)
    this.#writes = 0
    this.#reads = 0
    return taken
  }

  #quantile(part: number): number | null {
    let left = Math.ceil(this.#writes * part)
    if (left === 0) return null
    const found = this.#counts.findIndex((count) => {
      left -= count
      return left <= 0
    })
    return Math.round(lowestMs * growth ** found * 100) / 100
  }
}

/** Every answer about keys is counted, but those that this node or the cluster failed to give. */
export function meterRequests(app: FastifyInstance, meter: RequestMeter): void {
  app.addHook('onResponse', async ({ method, routeOptions }, reply) => {
    if (routeOptions.url?.startsWith('/kv') !== true || reply.statusCode >= 500) return
    meter.count(method === 'GET' || method === 'HEAD' ? 'read' : 'write', reply.elapsedTime)
  })
}
