import { parentPort } from 'node:worker_threads'
import type { SeedOptions } from './run-seed.js'
import { outcomeOf } from './seed-outcome.js'

parentPort?.on('message', async (options: SeedOptions) => {
  parentPort?.postMessage(await outcomeOf(options))
})
