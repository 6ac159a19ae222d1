import { assert } from './assert.js'
import type { CatchUp, Change } from './change-state.js'
import type { CoreState } from './core-state.js'
import type { Rejection } from './effects.js'
import { followConfiguration } from './followers.js'
import type { Input } from './inputs.js'
import type { LeaderState } from './leader-state.js'
import { goalOf, NOT_ADDED } from './membership.js'
import { appendOwn, isReady } from './own-append.js'
import { votersOf } from './quorum.js'
import type { Configuration, LogIndex, Server } from './types.js'

type InputOf<Kind extends Input['kind']> = Extract<Input, { kind: Kind }>

/** Thesis §4.2.1: who is not close after so many rounds is too slow to be given a vote. */
const MAX_ROUNDS = 10

/** S4: one change at a time, begun after an own-term commit, in force as soon as it is appended. */
export function onChangeMembers(
  state: CoreState,
  now: number,
  input: InputOf<'changeMembers'>,
): void {
  const { id, change, prevIndex } = input
  const leading = state.leading as LeaderState
  const refusal = refuseChange(state, leading)
  if (refusal !== null) return refused(state, id, refusal, '')
  const { index, configuration } = state.configurations.latest
  if (prevIndex !== 0 && prevIndex !== index) {
    const detail = `expected the configuration of index ${prevIndex}, found that of ${index}`
    return refused(state, id, 'configurationConflict', detail)
  }
  const goal = goalOf(configuration, change)
  if (goal.kind === 'refused') {
    const reason = goal.unknown ? 'unknownServer' : 'invalidConfiguration'
    return refused(state, id, reason, goal.detail)
  }
  const immediate = change.kind === 'addVoter' && change.immediate
  const begun = { id, goal: goal.servers, immediate, index: 0, catchUps: [] }
  leading.change = { ...begun, stage: 'waiting' }
  continueChange(state, now)
}

function refuseChange(state: CoreState, leading: LeaderState): Rejection | null {
  if (leading.transfer !== null) return 'transferInProgress'
  if (state.storeFull) return 'storageFull'
  const other = leading.change !== null || leading.restoring !== null
  const pending = other || state.configuration.outgoing !== undefined
  return pending ? 'changeInProgress' : null
}

function refused(state: CoreState, id: number, reason: Rejection, detail: string): void {
  state.emit({ kind: 'changeDone', id, index: 0, reason, outcome: 'rejected', detail })
}

/** Nothing of it is uncommitted while it waits or catches up, so it can simply be dropped. */
export function onCancelChange(state: CoreState, input: InputOf<'cancelChange'>): void {
  const change = state.leading?.change ?? null
  if (state.leading === null || change?.id !== input.id) return
  if (change.stage === 'waiting' || change.stage === 'catchUp') state.leading.change = null
}

/** Takes the change as far as it can go now. Harmless at any time. */
export function continueChange(state: CoreState, now: number): void {
  const leading = state.leading
  // S15: what the store has refused must be written before anything that follows it.
  if (leading === null || !isReady(state) || state.storeFull) return
  adoptJoint(state, leading)
  const { change } = leading
  if (change === null || state.commitIndex < change.index) return
  switch (change.stage) {
    case 'waiting':
      return stage(state, now, change)
    case 'staging':
      return beginCatchUp(state, now, change)
    case 'catchUp':
      return catchUp(state, now, change)
    case 'joint':
      return appendStage(state, now, change, 'final', { servers: change.goal })
    case 'final':
      leading.change = null
      return changeDone(state, change, null, null, '')
  }
}

/** Raft §6: whoever leads while the configuration is joint completes it. */
function adoptJoint(state: CoreState, leading: LeaderState): void {
  const { index, configuration } = state.configurations.latest
  if (leading.change !== null || configuration.outgoing === undefined) return
  const found = { id: null, goal: configuration.servers, immediate: true, catchUps: [] }
  leading.change = { ...found, stage: 'joint', index }
}

/** New voters come in without a vote, and new addresses come into use, before any vote changes. */
function stage(state: CoreState, now: number, change: Change): void {
  const { servers } = state.configuration
  const wanted = new Map(change.goal.map((server) => [server.id, server]))
  const staged = servers.map((server) => ({
    ...(wanted.get(server.id) ?? server),
    suffrage: server.suffrage,
  }))
  for (const server of change.goal) {
    const isNew = !servers.some((other) => other.id === server.id)
    if (isNew && server.suffrage === 'voter') staged.push({ ...server, suffrage: 'nonvoter' })
  }
  const needed = newVoters(state, change).length > 0 && !sameServers(servers, staged)
  if (change.immediate || !needed) return beginCatchUp(state, now, change)
  appendStage(state, now, change, 'staging', { servers: staged })
}

function beginCatchUp(state: CoreState, now: number, change: Change): void {
  change.stage = 'catchUp'
  const target = state.log.lastIndex
  change.catchUps = change.immediate
    ? []
    : newVoters(state, change).map(({ id }) => ({
        peer: id,
        target,
        roundBeganAt: now,
        rounds: 0,
        done: false,
      }))
  catchUp(state, now, change)
}

/** Thesis §4.2.1: a round shorter than an election timeout shows that the newcomer keeps up. */
function catchUp(state: CoreState, now: number, change: Change): void {
  for (const one of change.catchUps) {
    while (!one.done && matchOf(state, one) >= one.target) endRound(state, now, one)
    if (one.rounds < MAX_ROUNDS || one.done) continue
    const detail = `server ${one.peer} falls behind faster than it catches up; it stays a nonvoter`
    if (state.leading !== null) state.leading.change = null
    return changeDone(state, change, 'catchUpFailed', 'unknown', detail)
  }
  if (change.catchUps.every((one) => one.done)) appendGoal(state, now, change)
}

function endRound(state: CoreState, now: number, one: CatchUp): void {
  one.rounds += 1
  one.done = now - one.roundBeganAt <= state.config.electionTimeoutMs
  one.target = state.log.lastIndex
  one.roundBeganAt = now
  // An idle leader gives nothing to measure: who holds everything keeps up.
  if (matchOf(state, one) >= one.target) one.done = true
}

function matchOf(state: CoreState, { peer }: CatchUp): LogIndex {
  return state.leading?.progress.get(peer)?.matchIndex ?? 0
}

/** One vote more or less keeps old and new majorities overlapping; more needs the joint form (Raft §6). */
function appendGoal(state: CoreState, now: number, change: Change): void {
  const { servers } = state.configuration
  const goal = { servers: change.goal }
  const before = votersOf(state.configuration)
  const after = votersOf(goal)
  const moved =
    before.filter((id) => !after.includes(id)).length +
    after.filter((id) => !before.includes(id)).length
  if (moved <= 1) return appendStage(state, now, change, 'final', goal)
  const outgoing = servers.filter((server) => server.suffrage === 'voter')
  appendStage(state, now, change, 'joint', { ...goal, outgoing })
}

function appendStage(
  state: CoreState,
  now: number,
  change: Change,
  next: 'staging' | 'joint' | 'final',
  wanted: Configuration,
): void {
  const index = state.log.lastIndex + 1
  const latest = state.configurations.latest.index
  assert(latest <= state.commitIndex, 'one configuration change at a time (S4)', {
    latest,
    commitIndex: state.commitIndex,
    index,
  })
  const configuration = withAges(state, wanted, index)
  change.stage = next
  change.index = index
  state.configurations.append(index, configuration)
  appendOwn(state, now, 1, 0, { kind: 'configuration', configuration })
  followConfiguration(state, now, index)
}

/** S2: the entry that adds a member dates it; who is there already keeps its date. */
function withAges(state: CoreState, wanted: Configuration, index: LogIndex): Configuration {
  const aged = (server: Server): Server => {
    if (server.addedAt !== NOT_ADDED) return server
    return { ...server, addedAt: state.configurations.server(server.id)?.addedAt ?? index }
  }
  const servers = wanted.servers.map(aged)
  const { outgoing } = wanted
  const { generation } = state.configuration
  return {
    servers,
    ...(outgoing !== undefined && { outgoing }),
    ...(generation !== undefined && { generation }),
  }
}

/** The change under way ends with this leadership; whatever it has appended may still be committed. */
export function abandonChange(state: CoreState, leading: LeaderState): void {
  const { change } = leading
  if (change === null) return
  const outcome = change.index === 0 ? 'rejected' : 'unknown'
  changeDone(state, change, 'leadershipLost', outcome, '')
}

function changeDone(
  state: CoreState,
  change: Change,
  reason: Rejection | null,
  outcome: 'rejected' | 'unknown' | null,
  detail: string,
): void {
  const { id, index } = change
  if (id !== null) state.emit({ kind: 'changeDone', id, index, reason, outcome, detail })
}

function newVoters(state: CoreState, change: Change): readonly Server[] {
  const voters = votersOf(state.configuration)
  return change.goal.filter(({ id, suffrage }) => suffrage === 'voter' && !voters.includes(id))
}

function sameServers(one: readonly Server[], other: readonly Server[]): boolean {
  return one.length === other.length && one.every((server, place) => same(server, other[place]))
}

function same(one: Server, other: Server | undefined): boolean {
  if (one.id !== other?.id || one.address !== other.address) return false
  return JSON.stringify(one.meta) === JSON.stringify(other.meta)
}
