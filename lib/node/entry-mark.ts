import {
  ENTRY_COMMAND,
  ENTRY_SESSION_CLOSE,
  ENTRY_SESSION_KEEP_ALIVE,
  ENTRY_SESSION_OPEN,
  type EntryIdentity,
  type EntryType,
} from '../log/batch.js'

/** What an entry is beside its data, where it is more than a plain command. */
export interface EntryMark {
  readonly type: EntryType
  readonly identity?: EntryIdentity
}

const proposable: ReadonlySet<EntryType> = new Set<EntryType>([
  ENTRY_COMMAND,
  ENTRY_SESSION_OPEN,
  ENTRY_SESSION_KEEP_ALIVE,
  ENTRY_SESSION_CLOSE,
])

/** Whether a program may propose such an entry: no-ops, barriers and configurations are the core's. */
export function isProposable({ type, identity }: EntryMark): boolean {
  const needsSession = type === ENTRY_SESSION_KEEP_ALIVE || type === ENTRY_SESSION_CLOSE
  return proposable.has(type) && (!needsSession || identity?.kind === 'session')
}
