import type { VoteEvent } from '../../../actors/consensus/node-event.js'
import type { RaftEvent } from '../../node/events.js'
import { bytes, counted, duration, listed, whole } from './figures.js'
import type { LiveEvent } from './live-message.js'

type Told = Pick<LiveEvent, 'level' | 'text'>

/** An event in a sentence, for whoever has not read its type; null: not worth one. */
export function eventText(event: RaftEvent): Told | null {
  switch (event.kind) {
    case 'leader':
      return leaderText(event)
    case 'state':
      return ok(`${event.node} is ${roles[event.role]} in term ${event.term}: ${event.cause}`)
    case 'configuration': {
      const names = listed(event.configuration.servers.map(({ id }) => id))
      const what = event.committed ? 'is committed' : 'is in force'
      return ok(`the configuration ${names}, index ${whole(event.index)}, ${what}`)
    }
    case 'peer':
      return peerText(event)
    case 'heartbeat':
      return heartbeatText(event)
    case 'vote':
      return ok(voteText(event))
    case 'snapshot':
      return snapshotText(event)
    case 'progress':
      return progressText(event)
    case 'stateMachine': {
      const what = `${event.what} at index ${whole(event.index)}`
      return event.change === 'stalled'
        ? warn(`the state machine has not ended ${what} for ${duration(event.ms)}`)
        : ok(`the state machine has ended ${what} after ${duration(event.ms)}`)
    }
    case 'overload':
      return warn(`${event.what} are refused because too many are pending`)
    case 'flapping': {
      const often = `${counted(event.changes, 'leader')} within ${duration(event.windowMs)}`
      return { level: 'bad', text: `leadership changes hands too often, ${often}: ${event.cause}` }
    }
    case 'deadLetter':
      return warn(`a message ${event.message} found no ${event.to} to take it`)
  }
}

type Of<K extends RaftEvent['kind']> = Extract<RaftEvent, { readonly kind: K }>

const roles = {
  follower: 'a follower',
  preCandidate: 'about to stand for election',
  candidate: 'a candidate',
  leader: 'the leader',
} as const

function leaderText({ leader, previous, term }: Of<'leader'>): Told {
  if (leader !== null) return ok(`${leader} leads term ${term}`)
  const who = previous === null ? '' : `; the last one was ${previous}`
  return warn(`no leader is known in term ${term}${who}`)
}

function peerText({ peer, change, reason }: Of<'peer'>): Told {
  switch (change) {
    case 'active':
      return ok(`the connection to ${peer} is up`)
    case 'inactive':
      return warn(`the connection to ${peer} is down: ${reason}`)
    case 'refused':
      return warn(`${peer} was refused: ${reason}`)
    default:
      return ok(`${peer} was ${change}: ${reason}`)
  }
}

function heartbeatText({ peer, change, lastContactMs, reason }: Of<'heartbeat'>): Told {
  const since = lastContactMs === null ? '' : ` for ${duration(lastContactMs)}`
  switch (change) {
    case 'failed':
      return warn(`${peer} has answered no heartbeat${since}: ${reason}`)
    case 'late':
      return warn(`the leader ${peer} was not heard${since}`)
    case 'resumed':
      return ok(`${peer} is heard again`)
  }
}

function voteText(event: VoteEvent): string {
  const { candidate, term, preVote } = event
  const kind = preVote ? 'pre-vote' : 'vote'
  switch (event.change) {
    case 'started': {
      const why = event.transfer ? ', as its leader asked it to' : ''
      return `${candidate} asks ${listed(event.asked)} for ${kind}s in term ${term}${why}`
    }
    case 'answered':
      return event.granted
        ? `${candidate} was given a ${kind} in term ${term}`
        : `${candidate} was refused a ${kind} in term ${term}: ${event.reason}`
    case 'counted': {
      const count = `${event.grants} of ${counted(event.voters, 'voter')} so far`
      return event.granted
        ? `${event.voter} gives ${candidate} its ${kind} in term ${term}; ${count}`
        : `${event.voter} refuses ${candidate} its ${kind} in term ${term}: ${event.reason}`
    }
  }
}

function snapshotText({ change, index, reason }: Of<'snapshot'>): Told {
  const what = `the snapshot at index ${whole(index)}`
  return change === 'failed' ? warn(`${what} failed: ${reason}`) : ok(`${what} was ${change}`)
}

/** Its beginning and its end; what is between them moves too fast for a list. */
function progressText({ what, done, total }: Of<'progress'>): Told | null {
  if (done !== 0 && done < total) return null
  const size = what === 'replay' ? counted(total, 'entry', 'entries') : bytes(total)
  return ok(`${what} of ${size} ${done < total ? 'has begun' : 'is done'}`)
}

const ok = (text: string): Told => ({ level: 'ok', text })
const warn = (text: string): Told => ({ level: 'warn', text })
