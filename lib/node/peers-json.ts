import { readFile } from 'node:fs/promises'
import { checkServers } from './bootstrap-list.js'
import { RaftError } from './errors.js'
import type { ServerOptions } from './options.js'

/**
 * Reads the members that a recovery forces from a file, in either form that hashicorp/raft has for it:
 * `["host:port", …]`, where each address is an id too and everyone votes, or
 * `[{"id": "n1", "address": "host:port", "non_voter": false}, …]`.
 * @throws RaftError RAFT_CONFIG_INVALID naming the file, and the line or the server and its field; the
 * system's error when it cannot be read
 */
export async function readPeersJson(path: string): Promise<readonly ServerOptions[]> {
  return parsePeersJson(await readFile(path, 'utf8'), path)
}

/** The same of a text; `name` is what messages call it. */
export function parsePeersJson(text: string, name = 'peers.json'): readonly ServerOptions[] {
  const fail = (message: string): never => {
    throw new RaftError('RAFT_CONFIG_INVALID', `${name}: ${message}`, {
      outcome: 'rejected',
      details: { option: 'peers', file: name },
    })
  }
  const value = parse(text, fail)
  if (value === null) return fail('need at least one voter, found null')
  if (!Array.isArray(value)) {
    return fail(`expected a list of addresses or of servers, found ${kindOf(value)}`)
  }
  const servers = value.map((entry: unknown, position) => toServer(entry, position, fail))
  const legacy = value.filter((entry) => typeof entry === 'string').length
  if (legacy > 0 && legacy < value.length) {
    return fail('a list is either of addresses or of servers, this one is mixed')
  }
  if (!servers.some(({ suffrage }) => suffrage === 'voter')) {
    return fail(`need at least one voter, found ${servers.length} servers without a vote`)
  }
  return checkServers(servers, null, name)
}

type Fail = (message: string) => never

function parse(text: string, fail: Fail): unknown {
  try {
    // A byte order mark is what some editors begin a file with.
    return JSON.parse(text.replace(/^\uFEFF/, ''))
  } catch (error) {
    const { message } = error as Error
    const position = /position (\d+)/.exec(message)?.[1]
    const before = position === undefined ? text : text.slice(0, Number(position))
    return fail(`line ${before.split('\n').length} is not JSON: ${message}`)
  }
}

const FIELDS = ['id', 'address', 'non_voter']

function toServer(entry: unknown, position: number, fail: Fail): ServerOptions {
  const where = `server ${position + 1}`
  if (typeof entry === 'string') {
    if (entry === '') return fail(`${where}: expected an address, found an empty text`)
    return { id: entry, address: entry, suffrage: 'voter' }
  }
  if (typeof entry !== 'object' || entry === null || Array.isArray(entry)) {
    return fail(
      `${where}: expected an address or { id, address, non_voter }, found ${kindOf(entry)}`,
    )
  }
  for (const field of Object.keys(entry)) {
    // A misspelt non_voter would otherwise give a vote to who must not have one.
    if (!FIELDS.includes(field)) return fail(`${where}: there is no field ${JSON.stringify(field)}`)
  }
  const { id, address, non_voter = false } = entry as Readonly<Record<string, unknown>>
  if (typeof id !== 'string' || id === '') return fail(`${where}: id is text, found ${kindOf(id)}`)
  if (typeof address !== 'string' || address === '') {
    return fail(`${where} (${id}): address is text, found ${kindOf(address)}`)
  }
  if (typeof non_voter !== 'boolean') {
    return fail(`${where} (${id}): non_voter is true or false, found ${kindOf(non_voter)}`)
  }
  return { id, address, suffrage: non_voter ? 'nonvoter' : 'voter' }
}

function kindOf(value: unknown): string {
  if (value === undefined) return 'nothing'
  if (value === '') return 'an empty text'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object' && value !== null) return 'an object'
  return (JSON.stringify(value) ?? typeof value).slice(0, 40)
}
