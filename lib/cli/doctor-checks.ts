import type { Delays, Diagnostics, Timeouts } from '../kv/service-diagnostics.js'
import type { Members } from '../kv/service-members.js'

/** What the doctor says of one thing. `note`: good to know; `warn`: change it; `fail`: it is broken. */
export interface Finding {
  /** A node's id, or `cluster`. */
  readonly on: string
  readonly check: string
  readonly result: 'ok' | 'note' | 'warn' | 'fail'
  readonly measured: string
  readonly advice: string
}

/** A node as the doctor found it. */
export interface Examined {
  readonly id: string
  readonly diagnostics: Diagnostics
  /** Of the quickest request to it. */
  readonly roundTripMs: number
  /** Its clock less this machine's; known to half a round trip. */
  readonly clockOffsetMs: number
}

/** A server as a configuration names it. */
export interface Voting {
  readonly id: string
  readonly suffrage: string
}

type Judged = Pick<Finding, 'result' | 'advice'>

const ok: Judged = { result: 'ok', advice: '' }
const GIB = 1024 ** 3

/** An election is a flush and a round trip here and there; so many of them should fit in its time. */
const comfortable = 10
const tight = 3
/** Clocks only date entries; whoever reads the dates wants no more between two nodes. */
const clockToleranceMs = 500
const lagEntries = 10_000

export function flushFinding(on: string, flush: Delays & { readonly count: number }): Finding {
  const { count, p50Ms, p99Ms, maxMs } = flush
  const measured = `p50 ${ms(p50Ms)}, p99 ${ms(p99Ms)}, max ${ms(maxMs)} (${count})`
  if (count === 0) return { on, check: 'flush', ...ok, measured: 'nothing was flushed yet' }
  if (p99Ms < 50) return { on, check: 'flush', ...ok, measured }
  const advice = 'every write waits for this: use a disk of its own, or one with a protected cache'
  return { on, check: 'flush', result: 'warn', measured, advice }
}

/** Whether an election has time for what it consists of. */
export function timeoutFinding(
  on: string,
  { electionTimeoutMs }: Pick<Timeouts, 'electionTimeoutMs'>,
  flushP99Ms: number,
  roundTripMs: number,
): Finding {
  const needed = flushP99Ms + roundTripMs
  const factor = electionTimeoutMs / Math.max(needed, 0.01)
  const wanted = Math.ceil((needed * comfortable) / 100) * 100
  const advice = `raise heartbeatTimeoutMs to ${wanted} at least`
  const judged: Judged =
    factor >= comfortable ? ok : { result: factor < tight ? 'fail' : 'warn', advice }
  const measured = `${ms(electionTimeoutMs)} for a flush and a round trip of ${ms(needed)}`
  return { on, check: 'election timeout', ...judged, measured }
}

/** `storeBytes`: null where the store is not to be opened. */
export function diskFinding(
  on: string,
  disk: Diagnostics['disk'],
  storeBytes: number | null,
): Finding {
  const check = 'disk'
  if (disk === null) return { on, check, result: 'note', measured: 'unknown', advice: '' }
  const { freeBytes, totalBytes } = disk
  const store = storeBytes === null ? '' : `store ${bytes(storeBytes)}, `
  const measured = `${store}free ${bytes(freeBytes)} of ${bytes(totalBytes)}`
  const advice = 'make room: a node whose store is full takes no writes (RAFT_STORAGE_FULL)'
  if (freeBytes < 0.1 * GIB) return { on, check, result: 'fail', measured, advice }
  const little = freeBytes < Math.max(GIB, storeBytes ?? 0)
  return { on, check, measured, ...(little ? { result: 'warn', advice } : ok) }
}

export function loopFinding(on: string, { eventLoopDelay, timeouts }: Diagnostics): Finding[] {
  if (eventLoopDelay === null) return []
  const { p99Ms, maxMs } = eventLoopDelay
  const measured = `p99 ${ms(p99Ms)}, max ${ms(maxMs)}`
  const busy = p99Ms > timeouts.heartbeatTimeoutMs / 4
  const advice = 'its main thread is too busy: move consensus off it (threads), or give it a core'
  return [{ on, check: 'event loop', measured, ...(busy ? { result: 'warn', advice } : ok) }]
}

/** How the leader reaches the others. */
export function peerFindings({ id, diagnostics }: Examined): readonly Finding[] {
  const { heartbeatIntervalMs, heartbeatTimeoutMs } = diagnostics.timeouts
  return diagnostics.peers.map((peer): Finding => {
    const { roundTripMs, lastContactMs, incarnation } = peer
    const check = `way to ${peer.id}`
    const trip = roundTripMs === null ? 'no answer yet' : ms(roundTripMs)
    const heard = lastContactMs === null ? '' : `, heard ${ms(lastContactMs)} ago`
    const measured = `${trip}${heard}`
    if (incarnation === 'lost') {
      const advice = `${peer.id} has lost its directory: remove it and add it again`
      return { on: id, check, result: 'fail', measured, advice }
    }
    if (lastContactMs === null || lastContactMs > heartbeatTimeoutMs) {
      return { on: id, check, result: 'warn', measured, advice: `is ${peer.id} running?` }
    }
    const slow = (roundTripMs ?? 0) > heartbeatIntervalMs
    const advice = 'longer than the heartbeat interval: raise heartbeatTimeoutMs on every node'
    return { on: id, check, measured, ...(slow ? { result: 'warn', advice } : ok) }
  })
}

export function clockFindings(nodes: readonly Examined[]): readonly Finding[] {
  if (nodes.length < 2) return []
  const offsets = nodes.map(({ clockOffsetMs }) => clockOffsetMs)
  const between = Math.max(...offsets) - Math.min(...offsets)
  const unsure = Math.max(...nodes.map(({ roundTripMs }) => roundTripMs))
  const measured = `${ms(between)} apart, give or take ${ms(unsure)}`
  const advice = 'synchronise the clocks (NTP): entries and sessions are dated by the leader'
  const apart = between - unsure > clockToleranceMs
  const judged: Judged = apart ? { result: 'warn', advice } : ok
  return [{ on: 'cluster', check: 'clocks', measured, ...judged }]
}

/** What the number of voters means. */
export function voterFinding(servers: readonly Voting[]): Finding {
  const voters = servers.filter(({ suffrage }) => suffrage === 'voter').length
  const failures = Math.ceil(voters / 2) - 1
  const others = servers.length - voters
  const and = others === 0 ? '' : ` and ${others} without a vote`
  const measured = `${voters} voters${and}; ${failures} may fail`
  return { on: 'cluster', check: 'voters', measured, ...judgeVoters(voters) }
}

function judgeVoters(voters: number): Judged {
  if (voters === 1) {
    return { result: 'warn', advice: 'one failure stops it, a lost disk loses all: add two voters' }
  }
  if (voters % 2 === 0) {
    const advice = `${voters} stand no more failures than ${voters - 1}, and need one more to agree: add or remove one`
    return { result: 'warn', advice }
  }
  if (voters > 7)
    return { result: 'note', advice: 'each write waits for more of them: 5 are plenty' }
  return ok
}

/** What the members' list itself gives away. */
export function* memberFindings(
  members: Members,
  reached: ReadonlySet<string>,
): Generator<Finding> {
  const { index, committedIndex, leader, servers } = members
  const [on, advice] = ['cluster', '']
  yield leader === null
    ? { on, check: 'leader', result: 'fail', measured: 'none', advice: 'is a majority running?' }
    : { on, check: 'leader', result: 'ok', measured: leader.id, advice }
  if (committedIndex < index) {
    const measured = `configuration ${index} is not committed, ${committedIndex} is`
    yield { on, check: 'membership', result: 'note', measured, advice: 'a change is under way' }
  }
  const ahead = Math.max(0, ...servers.map(({ health }) => health?.matchIndex ?? 0))
  for (const { id, address, suffrage, http, health } of servers) {
    if (!reached.has(id)) {
      const vote = suffrage === 'voter' ? '' : ' --nonvoter'
      const unknown = `it has no http in its meta: troupe add ${id} ${address}${vote} --meta http=URL`
      const why = http === null ? unknown : 'it does not answer there'
      yield { on: id, check: 'reached', result: 'warn', measured: http ?? '-', advice: why }
    }
    const behind = health === undefined ? 0 : ahead - health.matchIndex
    if (behind > lagEntries) {
      const measured = `${behind} entries behind`
      yield {
        on: id,
        check: 'replication',
        result: 'warn',
        measured,
        advice: 'it does not keep up',
      }
    }
  }
}

/** Nodes of one cluster should be alike. */
export function* likenessFindings(nodes: readonly Examined[]): Generator<Finding> {
  const on = 'cluster'
  const versions = new Set(nodes.map(({ diagnostics }) => diagnostics.version))
  if (versions.size > 1) {
    const measured = [...versions].join(', ')
    yield { on, check: 'versions', result: 'note', measured, advice: 'bring all to the newest' }
  }
  const timings = new Set(nodes.map(({ diagnostics }) => JSON.stringify(diagnostics.timeouts)))
  if (timings.size > 1) {
    const measured = `${timings.size} different sets`
    const advice = 'give every node the same timeouts'
    yield { on, check: 'timeouts', result: 'warn', measured, advice }
  }
}

export function ms(value: number): string {
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`
}

export function bytes(value: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  let unit = 0
  let rest = value
  for (; rest >= 1024 && unit < units.length - 1; unit++) rest /= 1024
  return `${unit === 0 ? rest : rest.toFixed(1)} ${units[unit]}`
}
