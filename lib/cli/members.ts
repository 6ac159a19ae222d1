import { type Command, InvalidArgumentError, Option } from 'commander'
import type { MemberStatus, Members } from '../kv/service-members.js'
import { NodeClient } from './node-client.js'
import { type NodeFlags, nodeCommand, printAnswer } from './node-command.js'
import { hostPort, wholeNumber } from './option-values.js'
import { printLine } from './output.js'
import { formatTable } from './table.js'

/** What the commands that change the members have in common. */
interface ChangeFlags extends NodeFlags {
  readonly prevIndex?: number
  readonly timeout: number
}

/** More than a node waits by itself, so that it is the node that says what has become of it. */
const marginMs = 5000

export function membersCommand(): Command {
  return nodeCommand('members', 'list the members of a cluster').action(showMembers)
}

export function addCommand(): Command {
  return changeCommand('add', 'add a node, which catches up before it votes')
    .argument('<id>', 'name of the node')
    .argument('<host:port>', 'its Raft address', hostPort)
    .option('--nonvoter', 'it gets every entry and has no vote')
    .addOption(metaOption())
    .action(async (id: string, address: string, flags: ChangeFlags & AddFlags) => {
      const suffrage = flags.nonvoter === true ? 'nonvoter' : 'voter'
      const body = { id, address, suffrage, ...(flags.meta && { meta: flags.meta }) }
      const answer = await change(flags, 'POST', '/members', body)
      printAnswer(answer, `${id} is a ${suffrage} (configuration ${answer.index})`, flags.json)
    })
}

interface AddFlags {
  readonly nonvoter?: boolean
  readonly meta?: Readonly<Record<string, string>>
}

export function removeCommand(): Command {
  return changeCommand('remove', 'remove a node from the cluster')
    .argument('<id>', 'name of the node')
    .action(async (id: string, flags: ChangeFlags) => {
      const answer = await change(flags, 'DELETE', pathOf(id))
      printAnswer(answer, `${id} is removed (configuration ${answer.index})`, flags.json)
    })
}

export function demoteCommand(): Command {
  return suffrageCommand('demote', 'take the vote of a node, which goes on replicating', 'nonvoter')
}

export function promoteCommand(): Command {
  return suffrageCommand('promote', 'give a nonvoter a vote, once it has caught up', 'voter')
}

function suffrageCommand(name: string, description: string, suffrage: string): Command {
  return changeCommand(name, description)
    .argument('<id>', 'name of the node')
    .action(async (id: string, flags: ChangeFlags) => {
      const answer = await change(flags, 'PUT', pathOf(id), { suffrage })
      printAnswer(answer, `${id} is a ${suffrage} (configuration ${answer.index})`, flags.json)
    })
}

export function transferCommand(): Command {
  return nodeCommand('transfer', 'hand leadership to another node')
    .argument('[id]', 'a voter; without it the one with the most of the log')
    .action(async (to: string | undefined, flags: NodeFlags) => {
      const body = to === undefined ? {} : { to }
      const client = NodeClient.of(flags)
      const answer = await client.json<Transferred>('/leadership', { method: 'POST', body })
      const { leader, term } = answer
      const words = leader === null ? 'no leader is known yet' : `${leader.id} leads (term ${term})`
      printAnswer(answer, words, flags.json)
    })
}

interface Transferred {
  readonly leader: { readonly id: string } | null
  readonly term: number
}

function changeCommand(name: string, description: string): Command {
  const prevIndex = new Option(
    '--prev-index <index>',
    'only if the configuration still has this index',
  )
  const timeout = new Option('--timeout <seconds>', 'how long it may take')
  return nodeCommand(name, description)
    .addOption(prevIndex.argParser(wholeNumber(0, Number.MAX_SAFE_INTEGER)))
    .addOption(timeout.argParser(wholeNumber(1, 3600)).default(60))
}

async function change(
  flags: ChangeFlags,
  method: 'POST' | 'PUT' | 'DELETE',
  path: string,
  body?: object,
): Promise<{ readonly index: number }> {
  const { prevIndex, timeout } = flags
  const timeoutMs = timeout * 1000
  const parameters = new URLSearchParams({ timeoutMs: String(timeoutMs) })
  if (prevIndex !== undefined) parameters.set('prevIndex', String(prevIndex))
  const sent = { method, timeoutMs: timeoutMs + marginMs, ...(body !== undefined && { body }) }
  return NodeClient.of(flags).json(`${path}?${parameters}`, sent)
}

function pathOf(id: string): string {
  return `/members/${encodeURIComponent(id)}`
}

function metaOption(): Option {
  return new Option(
    '--meta <key=value>',
    'told to every member, e.g. http=http://host:port; repeatable',
  ).argParser((value: string, before: Readonly<Record<string, string>> = {}) => {
    const [, key, text] = /^([^=]+)=(.*)$/.exec(value) ?? []
    if (key === undefined || text === undefined) {
      throw new InvalidArgumentError('Write key=value.')
    }
    return { ...before, [key]: text }
  })
}

async function showMembers(flags: NodeFlags): Promise<void> {
  const members = await leadersView(NodeClient.of(flags))
  if (flags.json === true) return printLine(JSON.stringify(members))
  const head = ['ID', 'SUFFRAGE', '', 'RAFT', 'HTTP', 'MATCH', 'CONTACT', 'ROUND TRIP', 'STATE']
  printLine(
    formatTable(
      head,
      members.servers.map((server) => memberRow(server, members)),
    ),
  )
  const { index, committedIndex } = members
  const pending = committedIndex < index ? `, not committed yet (${committedIndex} is)` : ''
  printLine(`\nconfiguration ${index}${pending}`)
}

/** Only the leader knows how the others do; whoever was asked knows who that is. */
export async function leadersView(client: NodeClient): Promise<Members> {
  const asked = await client.members()
  const { leader, servers } = asked
  if (!leader?.http || servers.some(({ health }) => health !== undefined)) return asked
  return client
    .at(leader.http)
    .members()
    .catch(() => asked)
}

/** One line of the list. */
export function memberRow(
  { id, suffrage, leader, address, http, health }: MemberStatus,
  { electionTimeoutMs }: Members,
): readonly string[] {
  const base = [id, suffrage, leader ? 'leader' : '', address, http ?? '']
  if (health === undefined) return base
  const { matchIndex, lastContactMs, roundTripMs, incarnation } = health
  const silent = lastContactMs !== null && lastContactMs > electionTimeoutMs
  return [
    ...base,
    String(matchIndex),
    lastContactMs === null ? '-' : `${Math.round(lastContactMs)} ms`,
    roundTripMs === null || silent ? '-' : `${roundTripMs.toFixed(1)} ms`,
    { known: silent ? 'silent' : 'ok', unseen: 'not reached', lost: 'lost its state' }[incarnation],
  ]
}
