import { decodeEntries, ENTRY_COMMAND } from '../../../lib/log/batch.js'
import { createStore } from '../../../lib/log/lmdb-store.js'
import type { Store, StoredLog } from '../../../lib/log/store.js'

/** What the log of a node that does not run holds. */
export interface LogOnDisk extends StoredLog {
  /** The commands as text. */
  readonly commands: ReadonlySet<string>
}

export async function logOnDisk(dataDir: string): Promise<LogOnDisk> {
  const store = await createStore({}, { nodeId: '', dataDir, now: () => 0, warn: () => {} })
  try {
    const found = await store.recover()
    return { ...found, commands: await commandsIn(store, found) }
  } finally {
    await store.close()
  }
}

async function commandsIn(store: Store, found: StoredLog): Promise<ReadonlySet<string>> {
  const { firstIndex, lastIndex } = found
  const commands = new Set<string>()
  for (const { bytes } of await store.read(firstIndex, lastIndex, Number.MAX_SAFE_INTEGER)) {
    for (const { type, data } of decodeEntries(bytes)) {
      if (type === ENTRY_COMMAND) commands.add(Buffer.from(data).toString())
    }
  }
  return commands
}
