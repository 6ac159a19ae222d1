import type { Consistency, QueryOptions } from '../node/types.js'
import { badRequest } from './http-problem.js'

/** Query parameters as fastify parses them: one given twice is an array. */
type RawParameters = Readonly<Record<string, unknown>>

const consistencies: readonly Consistency[] = ['linearizable', 'lease', 'stale']
const readParameters = ['consistency', 'minIndex', 'maxStalenessMs']

export interface ListParameters {
  readonly prefix: string
  readonly after: string | null
  readonly limit: number
  readonly values: boolean
}

/** Most items in one list. */
const maxLimit = 1000
const defaultLimit = 100

export function noParameters(raw: unknown): void {
  known(raw, [])
}

export function getParameters(raw: unknown): QueryOptions {
  return readOptions(known(raw, readParameters))
}

export function listParameters(raw: unknown): {
  readonly list: ListParameters
  readonly read: QueryOptions
} {
  const given = known(raw, ['prefix', 'after', 'limit', 'values', ...readParameters])
  const limit = wholeNumber(given, 'limit') ?? defaultLimit
  if (limit < 1 || limit > maxLimit) throw badRequest(`limit is 1 to ${maxLimit}, not ${limit}`)
  const list = {
    prefix: given.get('prefix') ?? '',
    after: given.get('after') ?? null,
    limit,
    values: oneOf(given, 'values', ['true', 'false']) !== 'false',
  }
  return { list, read: readOptions(given) }
}

/** Longest time that a change of the cluster may be asked to take. */
const maxChangeTimeoutMs = 3_600_000

/** Of a change: how long it may take and, for one of the members, which configuration it builds on. */
export function changeParameters(
  raw: unknown,
  conditional: boolean,
): { readonly prevIndex: number | undefined; readonly timeoutMs: number | undefined } {
  const given = known(raw, conditional ? ['prevIndex', 'timeoutMs'] : ['timeoutMs'])
  const timeoutMs = wholeNumber(given, 'timeoutMs')
  if (timeoutMs !== undefined && (timeoutMs < 1 || timeoutMs > maxChangeTimeoutMs)) {
    throw badRequest(`timeoutMs is 1 to ${maxChangeTimeoutMs}, not ${timeoutMs}`)
  }
  return { prevIndex: wholeNumber(given, 'prevIndex'), timeoutMs }
}

function readOptions(given: ReadonlyMap<string, string>): QueryOptions {
  const consistency = oneOf(given, 'consistency', consistencies) ?? 'linearizable'
  const maxStalenessMs = wholeNumber(given, 'maxStalenessMs')
  if (maxStalenessMs !== undefined && consistency !== 'stale') {
    throw badRequest('maxStalenessMs goes with consistency=stale')
  }
  return { consistency, minIndex: wholeNumber(given, 'minIndex'), maxStalenessMs }
}

/** A parameter that is not known would be one silently ignored. */
function known(raw: unknown, names: readonly string[]): ReadonlyMap<string, string> {
  const given = new Map<string, string>()
  for (const [name, value] of Object.entries(raw as RawParameters)) {
    if (!names.includes(name)) {
      const expected = names.length === 0 ? 'there are none here' : `known are ${names.join(', ')}`
      throw badRequest(`unknown parameter ${name}; ${expected}`)
    }
    if (typeof value !== 'string') throw badRequest(`parameter ${name} is given more than once`)
    given.set(name, value)
  }
  return given
}

function oneOf<T extends string>(
  given: ReadonlyMap<string, string>,
  name: string,
  values: readonly T[],
): T | undefined {
  const value = given.get(name)
  if (value === undefined) return undefined
  const found = values.find((candidate) => candidate === value)
  if (found === undefined) throw badRequest(`${name} is ${values.join(' or ')}, not ${value}`)
  return found
}

function wholeNumber(given: ReadonlyMap<string, string>, name: string): number | undefined {
  const value = given.get(name)
  if (value === undefined) return undefined
  const number = /^\d{1,16}$/.test(value) ? Number(value) : Number.NaN
  if (!Number.isSafeInteger(number)) throw badRequest(`${name} is a whole number, not ${value}`)
  return number
}
