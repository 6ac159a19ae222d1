import type { IncomingHttpHeaders } from 'node:http'
import { badRequest } from './http-problem.js'
import type { KvCondition } from './kv-commands.js'

/** A revision as an entity tag. */
export function entityTag(revision: number): string {
  return `"${revision}"`
}

/** The condition of a write, from If-Match and If-None-Match. */
export function writeCondition(headers: IncomingHttpHeaders): KvCondition {
  const match = headers['if-match']
  const noneMatch = headers['if-none-match']
  if (match !== undefined && noneMatch !== undefined) {
    throw badRequest('If-Match and If-None-Match exclude each other')
  }
  if (match !== undefined) return { ifRevision: revisionOf(match) }
  if (noneMatch === undefined) return {}
  if (noneMatch.trim() !== '*') throw badRequest('on a write, If-None-Match is * only')
  return { ifAbsent: true }
}

/** Whether a reader who sent If-None-Match already has this revision. */
export function isUnmodified(headers: IncomingHttpHeaders, revision: number): boolean {
  const given = headers['if-none-match']
  if (given === undefined) return false
  const tags = given.split(',').map((tag) => tag.trim().replace(/^W\//, ''))
  return tags.includes('*') || tags.includes(entityTag(revision))
}

function revisionOf(tag: string): number {
  const digits = /^\s*"(\d{1,16})"\s*$/.exec(tag)?.[1]
  const revision = Number(digits)
  // Revision 0 would mean that there is no such key, which is not what If-Match says.
  if (!Number.isSafeInteger(revision) || revision === 0) {
    throw badRequest(`If-Match is one revision in double quotes, as in "17", not ${tag}`)
  }
  return revision
}
