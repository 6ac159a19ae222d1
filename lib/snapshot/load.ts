import { SnapshotStoreError } from './errors.js'
import type {
  CreateSnapshotStore,
  SnapshotStore,
  SnapshotStoreContext,
  SnapshotStoreSpec,
} from './store.js'

/**
 * Makes the store on the current thread, without a promise when it is one of this thread's memory.
 * @throws SnapshotStoreError RAFT_MODULE_LOAD
 */
export function loadSnapshotStore(
  spec: SnapshotStoreSpec,
  context: SnapshotStoreContext,
): SnapshotStore | Promise<SnapshotStore> {
  if (spec.create !== undefined) return spec.create(spec.options, context)
  return importStore(spec, context)
}

async function importStore(
  spec: SnapshotStoreSpec,
  context: SnapshotStoreContext,
): Promise<SnapshotStore> {
  const { createSnapshotStore } = await importModule(spec.module)
  if (typeof createSnapshotStore !== 'function') {
    throw new SnapshotStoreError(
      'RAFT_MODULE_LOAD',
      `The snapshot store module ${spec.module} does not export a function \`createSnapshotStore\`.`,
    )
  }
  return (createSnapshotStore as CreateSnapshotStore)(spec.options, context)
}

async function importModule(url: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    return (await import(url)) as Record<string, unknown>
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new SnapshotStoreError(
      'RAFT_MODULE_LOAD',
      `The snapshot store module ${url} could not be loaded: ${reason}. Build it first and give the URL of the built file.`,
      { cause: error, details: { module: url } },
    )
  }
}
