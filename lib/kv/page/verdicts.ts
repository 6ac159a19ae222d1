import { counted, duration, listed, whole } from './figures.js'
import type { Level, LiveIndexes, LiveMember, LiveNode, Verdict } from './live-message.js'

/** What a judgement of the cluster rests on. */
export interface Facts {
  readonly node: Pick<LiveNode, 'id' | 'state' | 'term' | 'leader' | 'lastContactMs'>
  readonly indexes: Pick<LiveIndexes, 'committed' | 'applied'>
  readonly members: readonly LiveMember[]
  /** The members' health is known, from the leader. */
  readonly healthKnown: boolean
  readonly electionTimeoutMs: number
  /** In the last second. */
  readonly committedPerS: number
  readonly refusedPerS: number
}

const order: readonly Level[] = ['bad', 'warn', 'ok']
/** The state machine may lag behind the log by so many seconds of work, and at least so many entries. */
const applyLagS = 2
const applyLagEntries = 10_000

/** What is wrong, in words, the worst first; or that nothing is. */
export function verdictsOf(facts: Facts): readonly Verdict[] {
  const found = [...ofThisNode(facts), ...ofLeadership(facts), ...ofOthers(facts), ...ofLoad(facts)]
  if (found.every(({ level }) => level === 'ok')) found.push(allIsWell(facts))
  return found.sort((a, b) => order.indexOf(a.level) - order.indexOf(b.level))
}

function* ofThisNode({ node, members }: Facts): Generator<Verdict> {
  const { id, state } = node
  if (state === 'closed') {
    yield bad('closed', `${id} is closed: it takes no part in the cluster any more.`)
  } else if (members.length === 0) {
    yield warn('empty', `${id} belongs to no cluster yet: bootstrap it, or let it join one.`)
  } else if (!members.some(({ self }) => self)) {
    yield warn(
      'no-member',
      `${id} is not a member of the cluster it knows: it was removed, or is not added yet.`,
    )
  }
}

function* ofLeadership({ node, members, electionTimeoutMs }: Facts): Generator<Verdict> {
  const { id, state, term, leader, lastContactMs } = node
  if (state === 'leader' || state === 'closed' || members.length === 0) return
  const voters = members.filter(isVoter).length
  const needed = `${majorityOf(voters)} of ${counted(voters, 'voter')}`
  if (state === 'candidate' || state === 'preCandidate') {
    const what = state === 'candidate' ? 'votes' : 'pre-votes'
    yield bad(
      'election',
      `There is no leader. ${id} asks for ${what} in term ${term + (state === 'candidate' ? 0 : 1)}; it takes ${needed} to elect one.`,
    )
  } else if (leader === null) {
    yield bad(
      'no-leader',
      `There is no leader. Writes and linearizable reads wait until ${needed} have elected one.`,
    )
  } else if (lastContactMs === null || lastContactMs > electionTimeoutMs) {
    const since = lastContactMs === null ? 'has not heard' : `last heard`
    const when = lastContactMs === null ? 'yet' : `${duration(lastContactMs)} ago`
    yield bad('leader-silent', `${id} ${since} its leader ${leader} ${when}.`)
  }
}

function* ofOthers({ node, members, healthKnown }: Facts): Generator<Verdict> {
  if (!healthKnown) return
  const has = (condition: string) => members.filter(({ health }) => health?.condition === condition)
  const silent = has('silent').filter(({ leader }) => !leader)
  const lost = has('lost')
  const voters = members.filter(isVoter)
  const answering = voters.filter((member) => !silent.includes(member) && !lost.includes(member))
  const spare = answering.length - majorityOf(voters.length)
  if (silent.length > 0) {
    const who = `${namesOf(silent)} ${silent.length === 1 ? 'does' : 'do'} not answer`
    const since = Math.min(...silent.map(({ health }) => health?.lastContactMs ?? 0))
    const rest = consequence(spare, answering.length, voters.length)
    const text = `${who}, for ${duration(since)} now. ${rest}`
    yield { level: spare < 0 ? 'bad' : 'warn', key: `silent ${namesOf(silent)} ${spare}`, text }
  }
  for (const { id } of lost) {
    yield warn(
      `lost ${id}`,
      `${id} came back without what it had acknowledged, and counts for nothing: remove it and add it again.`,
    )
  }
  for (const { id, health } of has('behind')) {
    const entries = counted(health?.behind ?? 0, 'entry', 'entries')
    const who = id === node.id ? `${id}, this node,` : id
    yield warn(`behind ${id}`, `${who} is ${entries} behind what is committed.`)
  }
}

function consequence(spare: number, answering: number, voters: number): string {
  const count = `${answering} of ${counted(voters, 'voter')}`
  if (spare < 0) return `${count} ${answering === 1 ? 'is' : 'are'} left: nothing can be committed.`
  if (spare === 0) return `${count} are left, and none of them may fail.`
  return `${count} are left; ${whole(spare)} more may fail.`
}

function* ofLoad({ node, indexes, committedPerS, refusedPerS }: Facts): Generator<Verdict> {
  const lag = indexes.committed - indexes.applied
  if (lag > Math.max(applyLagEntries, applyLagS * committedPerS)) {
    yield warn(
      'apply-lag',
      `The state machine of ${node.id} is ${counted(lag, 'entry', 'entries')} behind what is committed.`,
    )
  }
  if (refusedPerS > 0) {
    yield warn(
      'overload',
      `${node.id} refuses ${counted(refusedPerS, 'call')} a second because too many are pending.`,
    )
  }
}

function allIsWell({ node, members, healthKnown }: Facts): Verdict {
  const { id, state, term, leader, lastContactMs } = node
  const voters = members.filter(isVoter).length
  const own = members.find(({ self }) => self)
  const lead = state === 'leader' ? `${id} leads` : `${id} follows ${leader}`
  if (voters === 1 && state === 'leader' && own !== undefined) {
    return ok('alone', `${id} leads term ${term} alone: nothing is replicated.`)
  }
  if (!healthKnown) {
    const heard = lastContactMs === null ? '' : `, heard ${duration(lastContactMs)} ago`
    return ok('follows', `${lead} in term ${term}${heard}.`)
  }
  return ok('well', `${lead} in term ${term}. ${answers(voters)}.`)
}

function answers(voters: number): string {
  if (voters === 1) return 'The only voter answers; it may not fail'
  if (voters === 2) return 'Both voters answer; neither may fail'
  return `All ${voters} voters answer; ${voters - majorityOf(voters)} of them may fail`
}

function namesOf(members: readonly LiveMember[]): string {
  return listed(members.map(({ id }) => id))
}

function isVoter({ suffrage }: LiveMember): boolean {
  return suffrage === 'voter'
}

function majorityOf(voters: number): number {
  return Math.floor(voters / 2) + 1
}

const ok = (key: string, text: string): Verdict => ({ level: 'ok', key, text })
const warn = (key: string, text: string): Verdict => ({ level: 'warn', key, text })
const bad = (key: string, text: string): Verdict => ({ level: 'bad', key, text })
