import type { ActorContext, Timer } from '../runtime/actor.js'
import type { ResolvedConfig } from './config.js'
import { type ClusterHealth, judgeDeadServers } from './dead-server-policy.js'
import type { NodeView } from './node-view.js'

/** Another member as the leader sees it. */
export interface PeerContact {
  readonly id: string
  /** Since it last answered; null: it is not followed up. */
  readonly lastContactMs: number | null
}

export interface DeadServerCleanerHost {
  readonly config: ResolvedConfig
  readonly view: NodeView
  readonly context: Pick<ActorContext, 'after' | 'log' | 'now'>
  /** The other members as this leader sees them. */
  peers(): Promise<readonly PeerContact[]>
  /** Fails if the configuration is not the one at `prevIndex` any more. */
  remove(id: string, prevIndex: number): Promise<unknown>
}

/** Looks at the clock so often in a grace time. */
const LOOKS_PER_GRACE = 10
const MIN_LOOK_MS = 100
const MAX_LOOK_MS = 60_000

/**
 * The opt-in clean-up of dead servers: while this node leads it asks the policy from time to time and
 * removes the one that it names. What was refused is logged once for each reason.
 */
export class DeadServerCleaner {
  readonly #host: DeadServerCleanerHost
  #timer: Timer | null = null
  #busy = false
  #ledSince: { readonly term: number; readonly at: number } | null = null
  #refusal = ''
  #lateMs = 0
  #commitIndex = 0

  constructor(host: DeadServerCleanerHost) {
    this.#host = host
  }

  /** The status has changed, or the options have. */
  changed(): void {
    const { view, config, context } = this.#host
    const { term } = view.status
    if (!view.leads) this.#ledSince = null
    else if (this.#ledSince?.term !== term) this.#ledSince = { term, at: context.now() }
    const wanted = this.#ledSince !== null && config.deadServerGraceMs > 0
    if (wanted && this.#timer === null) this.#arm()
    if (!wanted) this.close()
  }

  close(): void {
    this.#timer?.cancel()
    this.#timer = null
  }

  #arm(): void {
    const { context, config } = this.#host
    const { deadServerGraceMs: grace } = config
    const delayMs = Math.min(MAX_LOOK_MS, Math.max(MIN_LOOK_MS, grace / LOOKS_PER_GRACE))
    const dueAt = context.now() + delayMs
    this.#timer = context.after(delayMs, () => {
      this.#lateMs = context.now() - dueAt
      this.#arm()
      if (!this.#busy) void this.#look()
    })
  }

  async #look(): Promise<void> {
    const { context, peers, remove } = this.#host
    this.#busy = true
    try {
      const reports = await peers()
      const { configuration } = this.#host.view.status
      const verdict = judgeDeadServers(this.#health(reports), this.#rules())
      if (verdict.remove === null) {
        this.#refused(verdict.candidate, verdict.reason)
        return
      }
      const { remove: id, silentMs } = verdict
      context.log.warn({ peer: id, silentMs }, 'a server is dead and is removed')
      this.#refusal = ''
      await remove(id, configuration.index)
      context.log.warn({ peer: id }, 'a dead server was removed')
    } catch (error) {
      context.log.warn({ error: (error as Error).message }, 'a dead server was not removed')
    } finally {
      this.#busy = false
    }
  }

  #refused(candidate: string | null, reason: string): void {
    if (candidate === null || this.#refusal === reason) return
    this.#refusal = reason
    this.#host.context.log.warn({ peer: candidate, reason }, 'a server is dead and is kept')
  }

  #rules() {
    const { deadServerGraceMs, deadServerMinQuorum, heartbeatTimeoutMs } = this.#host.config
    return {
      graceMs: deadServerGraceMs,
      healthyMs: heartbeatTimeoutMs,
      minQuorum: deadServerMinQuorum,
    }
  }

  #health(reports: readonly PeerContact[]): ClusterHealth {
    const { view, context } = this.#host
    const { status, id: self } = view
    const { configuration, committedConfigurationIndex, ready } = status
    const silent = new Map(reports.map(({ id, lastContactMs }) => [id, lastContactMs]))
    const servers = configuration.configuration.servers.map(({ id, suffrage }) => ({
      id,
      suffrage,
      silentMs: id === self ? 0 : (silent.get(id) ?? null),
    }))
    const joint = configuration.configuration.outgoing !== undefined
    return {
      self,
      leads: view.leads && ready,
      ledMs: this.#ledSince === null ? 0 : context.now() - this.#ledSince.at,
      settled: !joint && committedConfigurationIndex === configuration.index,
      servers,
      doubt: this.#doubt(),
    }
  }

  /** Whoever was held up itself takes others for dead too easily. */
  #doubt(): string | null {
    const { view, config } = this.#host
    const { loopDelayMs, commitIndex, lastLogIndex } = view.status
    const stuck = commitIndex < lastLogIndex && commitIndex === this.#commitIndex
    this.#commitIndex = commitIndex
    const limitMs = config.heartbeatTimeoutMs
    if (loopDelayMs >= limitMs) return `its consensus thread was ${Math.round(loopDelayMs)} ms late`
    if (this.#lateMs >= limitMs) return `its program was ${Math.round(this.#lateMs)} ms late`
    return stuck ? `nothing was committed after entry ${commitIndex}` : null
  }
}
