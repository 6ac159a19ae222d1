import { FEATURES } from '../core/features.js'

/** The versions of the protocol that this release speaks. The newest that both sides speak is used. */
export const PROTOCOL_VERSIONS = { min: 1, max: 1 } as const

/** What a node says of itself in each handshake, so that nodes of different releases can work together. */
export interface Announcement {
  readonly minVersion: number
  readonly maxVersion: number
  /** See lib/core/features.ts; names that this release does not know do no harm. */
  readonly features: readonly string[]
}

export const OWN_ANNOUNCEMENT: Announcement = {
  minVersion: PROTOCOL_VERSIONS.min,
  maxVersion: PROTOCOL_VERSIONS.max,
  features: FEATURES,
}

/** The version that both speak; null: there is none. */
export function commonVersion(
  own: Pick<Announcement, 'minVersion' | 'maxVersion'>,
  theirs: Pick<Announcement, 'minVersion' | 'maxVersion'>,
): number | null {
  const newest = Math.min(own.maxVersion, theirs.maxVersion)
  return newest >= Math.max(own.minVersion, theirs.minVersion) ? newest : null
}
