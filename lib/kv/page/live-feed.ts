import { Readable } from 'node:stream'
import type { PeerReport } from '../../../actors/consensus/protocol.js'
import { STAGES } from '../../node/stages.js'
import type { NodeStats } from '../../node/types.js'
import type { Timer } from '../../runtime/actor.js'
import type { Clock } from '../../runtime/clock.js'
import type { Access } from '../access.js'
import { HttpProblem } from '../http-problem.js'
import type { KvReplica } from '../replica.js'
import { packageVersion } from '../version.js'
import { EventLog } from './event-log.js'
import type { LiveIndexes, LiveMessage, LiveNode, LiveStage } from './live-message.js'
import { LiveSampler } from './live-sampler.js'
import { membersOf } from './member-health.js'
import type { RequestMeter } from './request-meter.js'
import { verdictsOf } from './verdicts.js'

export interface LiveFeedOptions {
  readonly node: KvReplica
  readonly meter: RequestMeter
  readonly clock: Clock
  /** Ms since the epoch. */
  readonly time: () => number
  /** Silence after which a member or a leader is said not to answer. */
  readonly electionTimeoutMs: number
}

const intervalMs = 1000
const maxStreams = 64
/** A viewer that has not taken so much yet is told nothing more until it has. */
const maxUnreadBytes = 256 * 1024
/** The leader is asked each second how the members do, and has to answer before the next. */
const reportTimeoutMs = 900

interface Viewer {
  readonly stream: Readable
  /** What it may see and do now. */
  readonly opens: () => Access
  sample: number
  event: number
}

/** What the viewers of the live page are told, once a second. */
export class LiveFeed {
  readonly #options: LiveFeedOptions
  readonly #sampler: LiveSampler
  readonly #events = new EventLog()
  readonly #viewers = new Set<Viewer>()
  readonly #startedAt: number
  #timer: Timer | null = null
  #isTelling = false
  #closed = false

  constructor(options: LiveFeedOptions) {
    this.#options = options
    this.#startedAt = options.time()
    this.#sampler = new LiveSampler(options.meter)
  }

  /** Samples and listens from now on, until `close`. */
  start(): void {
    this.#events.listen(this.#options.node)
    this.#sample()
    this.#wait()
  }

  close(): void {
    this.#closed = true
    this.#timer?.cancel()
    this.#events.close()
    for (const { stream } of this.#viewers) stream.push(null)
    this.#viewers.clear()
  }

  /** The state of this moment, with all that is kept of the past. */
  async state(opens: Access): Promise<LiveMessage> {
    return this.#message(await this.#current(), { opens: () => opens, sample: 0, event: 0 })
  }

  /**
   * The same, and then once a second what is new, as server-sent events.
   * @throws HttpProblem 503 when there are too many of these.
   */
  async open(opens: () => Access): Promise<Readable> {
    if (this.#viewers.size >= maxStreams) throw tooMany()
    const stream = new Readable({ read: () => {} })
    const viewer: Viewer = { stream, opens, sample: 0, event: 0 }
    this.#viewers.add(viewer)
    stream.once('close', () => this.#viewers.delete(viewer))
    this.#tell(viewer, await this.#current())
    return stream
  }

  #wait(): void {
    this.#timer = this.#options.clock.after(intervalMs, () => {
      this.#wait()
      this.#sample()
      void this.#tellAll()
    })
  }

  #sample(): void {
    const { node, clock, time } = this.#options
    this.#sampler.take(node.stats(), clock.now(), time())
  }

  /** A leader that answers late delays what is told, and is not asked twice at once. */
  async #tellAll(): Promise<void> {
    if (this.#isTelling || this.#viewers.size === 0) return
    this.#isTelling = true
    try {
      const current = await this.#current()
      for (const viewer of this.#viewers) this.#tell(viewer, current)
    } finally {
      this.#isTelling = false
    }
  }

  #tell(viewer: Viewer, current: Current): void {
    const { stream } = viewer
    if (this.#closed || viewer.opens() === 'public') {
      this.#viewers.delete(viewer)
      stream.push(null)
      return
    }
    if (stream.readableLength > maxUnreadBytes) return
    stream.push(`data: ${JSON.stringify(this.#message(current, viewer))}\n\n`)
    viewer.sample = this.#sampler.since(Number.POSITIVE_INFINITY).last
    viewer.event = this.#events.last
  }

  #message(current: Current, viewer: Omit<Viewer, 'stream'>): LiveMessage {
    return {
      ...current,
      mayAct: viewer.opens() === 'admin',
      samples: this.#sampler.since(viewer.sample).samples,
      events: this.#events.since(viewer.event),
    }
  }

  async #current(): Promise<Current> {
    const { node, time, electionTimeoutMs } = this.#options
    const reports = await reportsOf(node)
    const stats = node.stats()
    const { committedPerS, refusedPerS, actors } = this.#sampler
    const { servers } = stats
    const members = membersOf({ stats, servers, reports, electionTimeoutMs, committedPerS })
    const facts = { node: nodeOf(stats, this.#startedAt), indexes: indexesOf(stats), members }
    const verdicts = verdictsOf({
      ...facts,
      healthKnown: reports !== null,
      electionTimeoutMs,
      committedPerS,
      refusedPerS,
    })
    const healthFrom = reports === null ? null : stats.leader
    return { at: time(), ...facts, verdicts, healthFrom, actors, stages: stagesOf(stats) }
  }
}

type Current = Omit<LiveMessage, 'mayAct' | 'samples' | 'events'>

/** As the leader sees them; null: there is none that answers. */
async function reportsOf(node: KvReplica): Promise<readonly PeerReport[] | null> {
  if (node.leader === null || node.state === 'closed') return null
  try {
    return await node.peers({ forward: true, timeoutMs: reportTimeoutMs })
  } catch {
    return null
  }
}

function nodeOf(stats: NodeStats, startedAt: number): LiveNode {
  const { id, cluster, state, term, leader, lastContactMs, pendingEntries, pendingReads } = stats
  return {
    id,
    cluster,
    version: packageVersion(),
    startedAt,
    state,
    term,
    leader,
    lastContactMs: lastContactMs === null ? null : Math.round(lastContactMs),
    pendingEntries,
    pendingReads,
  }
}

function indexesOf(stats: NodeStats): LiveIndexes {
  return {
    lastLog: stats.lastLogIndex,
    flushed: stats.flushedIndex,
    committed: stats.commitIndex,
    applied: stats.appliedIndex,
    snapshot: stats.snapshotIndex,
  }
}

/** Where nothing happened lately its figures are 0, which no batch takes. */
function stagesOf({ stages }: NodeStats): readonly LiveStage[] {
  if (stages.applied.count === 0) return []
  return STAGES.map((name) => {
    const { p50Ms, p99Ms, maxMs } = stages[name]
    return maxMs === 0 ? { name, p50Ms: null, p99Ms: null } : { name, p50Ms, p99Ms }
  })
}

function tooMany(): HttpProblem {
  const message = `at most ${maxStreams} viewers are served at once; close another live page`
  return new HttpProblem(503, 'HTTP_TOO_MANY_VIEWERS', message)
}
