import { assertNever } from '../../lib/core/assert.js'
import type { ReplicatorReply } from '../replicator/protocol.js'
import type { Parts } from './parts.js'

/** From the replicators. */
export class ReplicatorReplies {
  readonly #parts: Parts

  constructor(parts: Parts) {
    this.#parts = parts
  }

  receive(message: ReplicatorReply): void {
    const { peers, effects, stepper, feeds, outgoing, links, core, status } = this.#parts
    const { peer } = message
    switch (message.kind) {
      case 'peerConnected':
        return peers.connected(message)
      case 'peerRefused':
        return peers.refusedBy(peer, message.code, message.message)
      case 'peerHealth': {
        const { change, reason, lastContactMs } = message
        if (change === 'active' || change === 'inactive') {
          return effects.event({ kind: 'peer', peer, change, reason })
        }
        const healthy = change === 'resumed'
        return effects.event({ kind: 'heartbeat', peer, change, healthy, lastContactMs, reason })
      }
      case 'voteReply':
        effects.announcer.voteCounted(core.tally(), peer, message.reply)
        return stepper.step({ kind: 'voteReply', from: peer, reply: message.reply })
      case 'higherTerm':
        return stepper.step({ kind: 'higherTerm', peer, term: message.term })
      case 'heartbeatAck':
        peers.health.answered(peer, message.receivedAt - message.sentAt)
        return stepper.step(message)
      case 'matched':
        status.followerMatched()
        return stepper.step(message)
      case 'lostState':
        return this.#lostState(message)
      case 'stalled':
        return stepper.step({ kind: 'stalled', term: message.term })
      case 'feed': {
        const { term, feed, fromIndex, creditBytes } = message
        const link = links.replicators.get(peer)
        if (link !== undefined) feeds.start(link, term, feed, fromIndex, creditBytes)
        return
      }
      case 'credit':
        return feeds.addCredit(peer, message.feed, message.bytes)
      case 'wantChunk':
        return outgoing.want(message)
      case 'snapshotSent':
        return outgoing.sent(message)
      case 'forwardReply': {
        const { request, body, sent } = message
        links.replicators.get(peer)?.forwards.delete(request)
        links.node.tell({ kind: 'forwardReply', request, body, sent })
        return
      }
      default:
        assertNever(message)
    }
  }

  #lostState(message: Extract<ReplicatorReply, { kind: 'lostState' }>): void {
    const { context, peers, stepper } = this.#parts
    const { peer, session, lastIndex } = message
    context.log.error({ peer, lastIndex }, 'a follower lost entries')
    peers.lostState(peer, session.incarnation)
    stepper.step({ kind: 'lostState', peer, session })
  }
}
