import { Command, Option } from 'commander'
import type { NodeStatus } from '../kv/service-status.js'
import { Failure } from './failure.js'
import { httpAddress } from './option-values.js'
import { printLine } from './output.js'
import { formatTable } from './table.js'

interface QueryFlags {
  readonly url: string
  readonly json?: boolean
}

const answerTimeoutMs = 5000

export function statusCommand(): Command {
  return queryCommand('status', 'show where each node of a cluster stands').action(showStatus)
}

export function membersCommand(): Command {
  return queryCommand('members', 'list the members of a cluster').action(showMembers)
}

function queryCommand(name: string, description: string): Command {
  const url = new Option('--url <url>', 'HTTP address of any node')
    .env('TROUPE_URL')
    .default('http://127.0.0.1:8701')
    .argParser(httpAddress)
  return new Command(name).description(description).addOption(url).option('--json', 'as JSON')
}

async function showStatus({ url, json }: QueryFlags): Promise<void> {
  const asked = await fetchStatus(url)
  const nodes = await Promise.all(asked.members.map((member) => memberStatus(member, asked)))
  if (json === true) return printLine(JSON.stringify({ cluster: asked.cluster, nodes }))
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

async function showMembers({ url, json }: QueryFlags): Promise<void> {
  const { members, leader } = await fetchStatus(url)
  if (json === true) return printLine(JSON.stringify({ members }))
  const rows = members.map(({ id, address, suffrage, http }) => [
    id,
    suffrage,
    id === leader?.id ? 'leader' : '',
    address,
    http ?? '',
  ])
  printLine(formatTable(['ID', 'SUFFRAGE', '', 'RAFT', 'HTTP'], rows))
}

/** One member's own word; the node that was asked first is not asked twice. */
async function memberStatus(member: NodeStatus['members'][number], asked: NodeStatus) {
  const { id, http } = member
  if (id === asked.id) return { id, http, status: asked, error: null }
  if (http === null) return { id, http, status: null, error: 'no HTTP address is known' }
  try {
    return { id, http, status: await fetchStatus(http), error: null }
  } catch (error) {
    return { id, http, status: null, error: (error as Error).message }
  }
}

async function fetchStatus(url: string): Promise<NodeStatus> {
  const answer = await fetch(new URL('/status', url), {
    signal: AbortSignal.timeout(answerTimeoutMs),
  }).catch((error: Error) => {
    const { code, message } = (error.cause ?? error) as NodeJS.ErrnoException
    throw new Failure(`no answer from ${url} (${code ?? message})`)
  })
  if (!answer.ok) throw new Failure(`${url} answered ${answer.status}: ${await answer.text()}`)
  return (await answer.json()) as NodeStatus
}
