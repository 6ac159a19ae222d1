import type { NewServer, ServerChange } from '../node/administration.js'
import { parseAddress } from '../transport/address.js'
import { badRequest } from './http-problem.js'

/** Bodies of `/members` and `/leadership`, checked; each throws a problem that names what is wrong. */

type Fields = Readonly<Record<string, unknown>>

/** Changes nothing unless the configuration in use has this index. */
interface Conditional {
  readonly prevIndex: number | undefined
}

export interface MemberAddition extends Conditional {
  readonly server: NewServer
  readonly suffrage: 'voter' | 'nonvoter'
}

export function memberAddition(body: unknown): MemberAddition {
  const given = fieldsOf(body, ['id', 'address', 'suffrage', 'meta', 'prevIndex'])
  const meta = metaOf(given)
  if (typeof given.id !== 'string' || given.id === '') throw badRequest('id is the name of a node')
  const address = addressOf(given)
  if (address === undefined) throw badRequest('address is the host:port of its Raft transport')
  const server = { id: given.id, address, ...(meta !== undefined && { meta }) }
  return { server, suffrage: suffrageOf(given) ?? 'voter', prevIndex: prevIndexOf(given) }
}

export function memberChange(body: unknown): Conditional & { readonly change: ServerChange } {
  const given = fieldsOf(body, ['address', 'suffrage', 'meta', 'prevIndex'])
  const change = { address: addressOf(given), suffrage: suffrageOf(given), meta: metaOf(given) }
  if (Object.values(change).every((value) => value === undefined)) {
    throw badRequest('the body has at least one of address, suffrage and meta')
  }
  return { change, prevIndex: prevIndexOf(given) }
}

/** A body that may be left out. */
export function memberRemoval(body: unknown): Conditional {
  return { prevIndex: body === undefined ? undefined : prevIndexOf(fieldsOf(body, ['prevIndex'])) }
}

/** A body that may be left out. Null: whoever is best. */
export function transferTarget(body: unknown): string | null {
  if (body === undefined) return null
  const { to } = fieldsOf(body, ['to'])
  if (to === undefined || to === null) return null
  if (typeof to !== 'string' || to === '') throw badRequest('to is the id of a voter')
  return to
}

function fieldsOf(body: unknown, names: readonly string[]): Fields {
  if (!isRecord(body)) throw badRequest('the body is a JSON object')
  for (const name of Object.keys(body)) {
    if (!names.includes(name)) {
      throw badRequest(`unknown field ${name}; known are ${names.join(', ')}`)
    }
  }
  return body
}

function addressOf({ address }: Fields): string | undefined {
  if (address === undefined) return undefined
  try {
    if (typeof address === 'string' && parseAddress(address).port > 0) return address
  } catch {
    // Said below.
  }
  throw badRequest('address is host:port, an IPv6 host in brackets')
}

function suffrageOf({ suffrage }: Fields): 'voter' | 'nonvoter' | undefined {
  if (suffrage === undefined || suffrage === 'voter' || suffrage === 'nonvoter') return suffrage
  throw badRequest('suffrage is voter or nonvoter')
}

function metaOf({ meta }: Fields): Readonly<Record<string, string>> | undefined {
  if (meta === undefined) return undefined
  if (isRecord(meta) && Object.values(meta).every((value) => typeof value === 'string')) {
    return meta as Readonly<Record<string, string>>
  }
  throw badRequest('meta is an object of texts')
}

function prevIndexOf({ prevIndex }: Fields): number | undefined {
  if (prevIndex === undefined) return undefined
  if (typeof prevIndex === 'number' && Number.isSafeInteger(prevIndex) && prevIndex >= 0) {
    return prevIndex
  }
  throw badRequest('prevIndex is a whole number')
}

function isRecord(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
