import type { AppendedBatch, Effect } from '../../../lib/core/effects.js'
import type { BatchSpan, LogIndex, Term } from '../../../lib/core/types.js'
import type { ModelBatch } from './model-disk.js'
import type { Envelope, Message } from './model-messages.js'
import type { ModelNode } from './model-node.js'
import type { Deed } from './soup.js'

/** Effects and messages as short lines that read as a story. */

export function renderDeed({ node, effects, sent }: Deed): readonly string[] {
  const lines = effects.flatMap((effect) => renderEffect(node, effect) ?? [])
  return [...lines, ...renderSent(sent)]
}

/** The same message to several peers is one line. */
function renderSent(sent: readonly Envelope[]): readonly string[] {
  const lines: { to: string; readonly text: string }[] = []
  for (const { to, message } of sent) {
    const text = renderMessage(message)
    const last = lines.at(-1)
    if (last?.text === text) last.to += ` ${to}`
    else lines.push({ to, text })
  }
  return lines.map(({ to, text }) => `-> ${to} ${text}`)
}

export function renderEnvelope({ from, to, message }: Envelope): string {
  return `${from}->${to} ${renderMessage(message)}`
}

function renderMessage(message: Message): string {
  switch (message.kind) {
    case 'requestVote': {
      const { term, lastLogIndex, lastLogTerm, transfer } = message
      const what = message.preVote ? 'pre-vote' : 'vote'
      const log = at(lastLogIndex, lastLogTerm)
      return `${what}? term ${term} log ends ${log}${transfer ? ' transfer' : ''}`
    }
    case 'voteReply': {
      const { term, granted, reason } = message
      const what = message.preVote ? 'pre-vote' : 'vote'
      return `${what} ${granted ? 'yes' : 'no'} term ${term}${granted ? '' : ` (${reason})`}`
    }
    case 'append': {
      const { term, prevLogIndex, prevLogTerm, leaderCommit } = message.request
      const entries = message.batches.map(renderBatch).join(' ')
      const brought = entries === '' ? '' : ` [${entries}]`
      const after = at(prevLogIndex, prevLogTerm)
      return `append term ${term} after ${after}${brought} commit ${leaderCommit}`
    }
    case 'removed':
      return `removed term ${message.term} at ${message.index}`
    case 'appendReply': {
      const { term, success, matchIndex, conflict } = message
      if (success) return `match ${matchIndex} term ${term}`
      if (conflict === undefined) return `refuse term ${term}`
      const { index, lastIndex } = conflict
      const why =
        conflict.term === 0 ? `log ends ${lastIndex}` : `has term ${conflict.term} from ${index}`
      return `refuse term ${term} (${why})`
    }
    case 'heartbeat':
      return `heartbeat term ${message.term}${message.probe > 0 ? ` probe ${message.probe % 2 ** 20}` : ''}`
    case 'heartbeatReply':
      return `${message.accepted ? 'heard' : 'refuse'} term ${message.term}`
    case 'timeoutNow':
      return `timeout now term ${message.term}`
    case 'snapshot':
      return `snapshot term ${message.term} of ${at(message.snapshot.index, message.snapshot.term)}`
    case 'snapshotReply':
      return `snapshot ${message.index} ${message.installed ? 'installed' : 'not taken'}`
  }
}

/** Null for what tells nothing that the messages do not tell. */
function renderEffect(node: ModelNode, effect: Effect): string | null {
  switch (effect.kind) {
    case 'saveHardState':
      return `save term ${effect.hardState.term} vote ${effect.hardState.votedFor ?? 'none'}`
    case 'append':
      return `append ${effect.batches.map((batch) => renderAppended(node, batch)).join(' ')}`
    case 'truncate':
      return `${effect.again ? 'again ' : ''}cut from ${effect.fromIndex}`
    case 'resetLog':
      return `${effect.again ? 'again ' : ''}empty the log after ${at(effect.index, effect.term)}`
    case 'compact':
      return `compact to ${effect.index}`
    case 'commit':
      return `commit ${effect.index}`
    case 'restoreSnapshot':
      return `restore snapshot ${at(effect.index, effect.term)}`
    case 'discardSnapshot':
      return `discard snapshot ${at(effect.index, effect.term)}`
    case 'members': {
      const { index, configuration } = effect.configuration
      if (index <= 1) return null
      const names = configuration.servers.map(({ id }) => id).join(' ')
      return `members of ${index}: ${names}${effect.committed ? ', committed' : ''}`
    }
    case 'roleChanged': {
      const { role, term, leader } = effect
      const whom = role === 'follower' ? ` of ${leader ?? 'nobody'}` : ''
      return `${role}${whom} in term ${term}`
    }
    case 'accepted':
      return `accept ${node.proposal(effect.token)} at ${effect.firstIndex}`
    case 'rejected':
      return `reject ${node.proposal(effect.token)}: ${effect.reason}`
    case 'readReady':
      return `read ${effect.id} at ${effect.index}`
    case 'readRejected':
      return `read ${effect.id} refused: ${effect.reason}`
    case 'transferDone':
      return effect.reason === null ? 'transfer done' : `transfer failed: ${effect.reason}`
    case 'proposalsUnknown':
      return `unknown from ${effect.fromIndex}`
    default:
      return null
  }
}

function renderAppended(node: ModelNode, batch: AppendedBatch): string {
  const held = node.tail.find(({ firstIndex }) => firstIndex === batch.firstIndex)
  return held === undefined ? span(batch) : renderBatch(held)
}

function renderBatch(batch: ModelBatch): string {
  return `${span(batch)}:${batch.value}`
}

function span({ firstIndex, lastIndex, term }: BatchSpan): string {
  return at(firstIndex === lastIndex ? firstIndex : `${firstIndex}..${lastIndex}`, term)
}

export function at(index: LogIndex | string, term: Term): string {
  return `${index}@${term}`
}

/** One line of all that a node is. */
export function renderStatus(node: ModelNode): string {
  if (!node.running) return `${node.id} down`
  const { role, term, leader, commitIndex, flushedIndex, lastLogIndex, baseIndex } =
    node.core.status()
  const whom = role === 'follower' ? ` of ${leader ?? 'nobody'}` : ''
  const entries: string[] = []
  if (baseIndex > 0) entries.push(`(${at(baseIndex, node.core.termAt(baseIndex) ?? 0)})`)
  for (let index = baseIndex + 1; index <= lastLogIndex; index++) {
    entries.push(`${node.core.termAt(index)}`)
  }
  const disk = flushedIndex === lastLogIndex ? '' : ` flushed ${flushedIndex}`
  return `${node.id} ${role}${whom} term ${term} commit ${commitIndex}${disk} log ${entries.join(' ')}`
}
