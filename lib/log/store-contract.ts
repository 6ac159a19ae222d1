import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { CreateStore, Store, StoredLog } from './store.js'
import { logChecks } from './store-contract-log.js'
import { valueChecks } from './store-contract-values.js'

/** One check of the contract: `run` throws when the store breaks it. */
export interface StoreCheck {
  readonly name: string
  run(): Promise<void>
}

/** A check in the making: it opens the store on a directory of its own, again and again. */
export interface CheckBody {
  readonly name: string
  readonly body: (place: Place) => Promise<void>
}

/**
 * The contract of a store as a list of checks, for any test framework. Each opens the store in an
 * empty directory; closing without a flush and opening again is what it takes for a crash.
 */
export function storeContract(createStore: CreateStore, options: unknown = {}): StoreCheck[] {
  return [...logChecks, ...valueChecks].map(({ name, body }) => ({
    name,
    run: async () => {
      const place = new Place(createStore, options, await mkdtemp(join(tmpdir(), 'store-')))
      try {
        await body(place)
      } finally {
        await place.leave()
      }
    },
  }))
}

/** A directory, and the store that is open in it. */
export class Place {
  readonly #createStore: CreateStore
  readonly #options: unknown
  readonly #dataDir: string
  #store: Store | null = null

  constructor(createStore: CreateStore, options: unknown, dataDir: string) {
    this.#createStore = createStore
    this.#options = options
    this.#dataDir = dataDir
  }

  /** Opens and recovers; a store that is open is closed first, without a flush. */
  async open(): Promise<{ readonly store: Store; readonly log: StoredLog }> {
    await this.close()
    const store = await this.create()
    this.#store = store
    return { store, log: await store.recover() }
  }

  /** Another store in the same directory, not closed by `leave`. */
  async create(): Promise<Store> {
    const dataDir = this.#dataDir
    const context = { nodeId: 'n1', dataDir, now: () => performance.now(), warn: () => {} }
    return await this.#createStore(this.#options, context)
  }

  async close(): Promise<void> {
    const store = this.#store
    this.#store = null
    await store?.close()
  }

  async leave(): Promise<void> {
    await this.close()
    await rm(this.#dataDir, { recursive: true, force: true })
  }
}
