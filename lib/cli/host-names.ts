import { InvalidArgumentError } from 'commander'
import type { ServeOptions } from './serve.js'

type Given = Pick<ServeOptions, 'hostNames' | 'advertiseHttp' | 'bootstrap' | 'id'>

/**
 * The names by which clients may address a node beside the one it listens on: those that it was given, and
 * those of its own addresses as the members know them. A request under another name is refused (403), for
 * it may be one that a foreign page had resolved to this node.
 */
export function hostNames({
  hostNames = [],
  advertiseHttp,
  bootstrap,
  id,
}: Given): readonly string[] {
  const listed = bootstrap?.find((server) => server.id === id)?.meta?.http
  const own = [advertiseHttp, listed].filter(
    (url): url is string => url !== undefined && url !== '',
  )
  return [...new Set([...hostNames, ...own.map((url) => new URL(url).hostname)])]
}

/** `name,name,…`; empty: none. */
export function hostNameList(value: string): readonly string[] {
  const names = value.split(',').map((name) => name.trim())
  const given = names.filter((name) => name !== '')
  const wrong = given.find((name) => !/^[a-z\d_-]+(\.[a-z\d_-]+)*$/i.test(name))
  if (wrong === undefined) return given
  throw new InvalidArgumentError(`Write host names without port, not "${wrong}".`)
}
