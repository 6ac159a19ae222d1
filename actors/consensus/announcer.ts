import type { Effect } from '../../lib/core/effects.js'
import type { Tally } from '../../lib/core/raft-core.js'
import type { VoteReply } from '../../lib/core/rpc.js'
import type { Configuration, NodeId, Role, Server, Term } from '../../lib/core/types.js'
import type { NodeEvent } from './node-event.js'

type Of<Kind extends Effect['kind']> = Extract<Effect, { kind: Kind }>

/** Turns what the core does into events for observers; they change nothing. */
export class Announcer {
  readonly #self: NodeId
  readonly #tell: (event: NodeEvent) => void
  #role: Role = 'follower'
  #term: Term = 0
  #leader: NodeId | null = null
  #leaderTerm: Term = 0
  #lastLeader: NodeId | null = null
  #members = new Map<NodeId, Server>()

  constructor(self: NodeId, tell: (event: NodeEvent) => void) {
    this.#self = self
    this.#tell = tell
  }

  /** One effect may be a change of role, of term, of leader, or of all three. */
  roleChanged({ role, term, leader, cause }: Of<'roleChanged'>): void {
    if (role !== this.#role || term !== this.#term) {
      this.#tell({ kind: 'state', role, previous: this.#role, term, cause })
    }
    this.#role = role
    this.#term = term
    if (leader === this.#leader && (leader === null || term === this.#leaderTerm)) return
    const previous = this.#lastLeader
    this.#leader = leader
    this.#lastLeader = leader ?? previous
    this.#leaderTerm = term
    const address = leader === null ? null : (this.#members.get(leader)?.address ?? null)
    this.#tell({ kind: 'leader', leader, address, previous, term })
  }

  members(configuration: Of<'members'>['configuration'], committed: boolean): void {
    const { index } = configuration
    this.#compare(configuration.configuration, index)
    this.#tell({
      kind: 'configuration',
      index,
      configuration: configuration.configuration,
      committed,
    })
  }

  votesRequested({ peers, request }: Of<'requestVotes'>): void {
    const { candidate, term, preVote, transfer, lastLogIndex, lastLogTerm } = request
    const asked = { asked: peers, lastLogIndex, lastLogTerm }
    this.#tell({ kind: 'vote', change: 'started', candidate, term, preVote, transfer, ...asked })
  }

  voteAnswered({ candidate, reply }: Of<'replyVote'>): void {
    const { term, preVote, granted, reason } = reply
    this.#tell({ kind: 'vote', change: 'answered', candidate, term, preVote, granted, reason })
  }

  /** `before`: the round that this node was in when the answer came. Late answers are not counted. */
  voteCounted(before: Tally | null, voter: NodeId, reply: VoteReply): void {
    if (before === null || reply.round !== before.round || reply.preVote !== before.preVote) return
    const { term, preVote, voters } = before
    const { granted, reason } = reply
    const grants = new Set(before.granted)
    const refusals = new Set(before.refused)
    if (granted) grants.add(voter)
    else refusals.add(voter)
    const tally = { grants: grants.size, refusals: refusals.size, voters }
    const who = { candidate: this.#self, voter, term, preVote, granted, reason }
    this.#tell({ kind: 'vote', change: 'counted', ...who, ...tally })
  }

  #compare({ servers }: Configuration, index: number): void {
    const before = this.#members
    this.#members = new Map(servers.map((server) => [server.id, server]))
    for (const server of servers) {
      const old = before.get(server.id)
      if (old === undefined) this.#peer(server.id, 'added', `${server.suffrage}, entry ${index}`)
      else if (differs(old, server)) this.#peer(server.id, 'updated', describe(server, index))
    }
    for (const id of before.keys()) {
      if (!this.#members.has(id)) this.#peer(id, 'removed', `entry ${index}`)
    }
  }

  #peer(peer: NodeId, change: 'added' | 'updated' | 'removed', reason: string): void {
    if (peer !== this.#self) this.#tell({ kind: 'peer', peer, change, reason })
  }
}

function differs(one: Server, other: Server): boolean {
  if (one.address !== other.address || one.suffrage !== other.suffrage) return true
  return one.addedAt !== other.addedAt || metaOf(one) !== metaOf(other)
}

function metaOf({ meta = {} }: Server): string {
  return JSON.stringify(Object.entries(meta).sort())
}

function describe({ suffrage, address }: Server, index: number): string {
  return `${suffrage} at ${address}, entry ${index}`
}
