import {
  type CreateStore,
  type Store,
  type StoreContext,
  StoreLoadError,
  type StoreSpec,
} from './store.js'

/**
 * Makes the store on the current thread, without a promise when it is one of this thread's memory.
 * @throws StoreLoadError, or what `createStore` throws
 */
export function loadStore(spec: StoreSpec, context: StoreContext): Store | Promise<Store> {
  if (spec.create !== undefined) return spec.create(spec.options, context)
  return importStore(spec, context)
}

async function importStore(spec: StoreSpec, context: StoreContext): Promise<Store> {
  const { createStore } = await importModule(spec.module)
  if (typeof createStore !== 'function') {
    throw new StoreLoadError(
      `the store module ${spec.module} does not export a function createStore(options, context)`,
    )
  }
  return (createStore as CreateStore)(spec.options, context)
}

async function importModule(url: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    return (await import(url)) as Record<string, unknown>
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new StoreLoadError(
      `the store module ${url} could not be loaded: ${reason}. Build it first and give the URL of the built file.`,
      { cause: error },
    )
  }
}
