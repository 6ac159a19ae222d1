import type { Command } from 'commander'
import type { NodeStatus } from '../kv/service-status.js'
import { NodeClient } from './node-client.js'
import { type NodeFlags, nodeCommand } from './node-command.js'
import { printLine } from './output.js'
import { formatTable } from './table.js'

/** A node that is asked because the first one named it may be gone for good. */
const answerTimeoutMs = 5000

export function statusCommand(): Command {
  return nodeCommand('status', 'show where each node of a cluster stands').action(showStatus)
}

async function showStatus(flags: NodeFlags): Promise<void> {
  const client = NodeClient.of(flags)
  const asked = await client.status()
  const nodes = await Promise.all(
    asked.members.map((member) => memberStatus(member, asked, client)),
  )
  if (flags.json === true) return printLine(JSON.stringify({ cluster: asked.cluster, nodes }))
  const rows = nodes.map(({ id, http, status, error }) =>
    status === null
      ? [id, 'unreachable', '', '', '', '', '', http ?? '', error ?? '']
      : [
          id,
          status.state,
          String(status.term),
          status.leader?.id ?? '-',
          String(status.commitIndex),
          String(status.appliedIndex),
          String(status.lastLogIndex),
          http ?? '',
          '',
        ],
  )
  const head = ['ID', 'STATE', 'TERM', 'LEADER', 'COMMIT', 'APPLIED', 'LAST', 'HTTP', '']
  printLine(formatTable(head, rows))
}

/** One member's own word; the node that was asked first is not asked twice. */
async function memberStatus(
  member: NodeStatus['members'][number],
  asked: NodeStatus,
  client: NodeClient,
) {
  const { id, http } = member
  if (id === asked.id) return { id, http, status: asked, error: null }
  if (http === null) return { id, http, status: null, error: 'no HTTP address is known' }
  try {
    return { id, http, status: await client.at(http).status(answerTimeoutMs), error: null }
  } catch (error) {
    return { id, http, status: null, error: (error as Error).message }
  }
}
