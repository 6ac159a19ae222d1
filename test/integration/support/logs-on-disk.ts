import { decodeEntries, ENTRY_COMMAND } from '../../../lib/log/batch.js'
import { createStore } from '../../../lib/log/lmdb-store.js'

/** The commands, as text, that lie in the log of a node that does not run. */
export async function commandsOnDisk(dataDir: string): Promise<ReadonlySet<string>> {
  const context = { nodeId: '', dataDir, now: () => 0, warn: () => {} }
  const store = await createStore({}, context)
  const commands = new Set<string>()
  try {
    const { firstIndex, lastIndex } = await store.recover()
    const batches = await store.read(firstIndex, lastIndex, Number.MAX_SAFE_INTEGER)
    for (const { bytes } of batches) {
      for (const { type, data } of decodeEntries(bytes)) {
        if (type === ENTRY_COMMAND) commands.add(Buffer.from(data).toString())
      }
    }
    return commands
  } finally {
    await store.close()
  }
}
