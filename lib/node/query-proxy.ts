import type { Reader } from './reader.js'
import type { QueryOptions, QueryProxy } from './types.js'

/** Methods that everything has, or that would make the proxy look like a promise. */
const notQueries: ReadonlySet<string> = new Set([
  'then',
  'catch',
  'finally',
  'toJSON',
  'constructor',
])

/**
 * An object whose methods are those of the state machine's `queries`: a call is a query with the method's
 * name and arguments. Which methods there are is known to the state machine alone; a wrong name is
 * refused there.
 */
export function queryProxy<Queries extends object>(
  reader: Reader,
  options: QueryOptions | undefined,
): QueryProxy<Queries> {
  const methods = new Map<string, (...args: readonly unknown[]) => Promise<unknown>>()
  const proxy = new Proxy(Object.freeze({}), {
    get: (_target, name) => {
      if (typeof name !== 'string' || notQueries.has(name)) return undefined
      const known = methods.get(name)
      if (known !== undefined) return known
      const method = async (...args: readonly unknown[]) =>
        (await reader.query({ method: name, request: args }, options)).result
      methods.set(name, method)
      return method
    },
  })
  return proxy as QueryProxy<Queries>
}
