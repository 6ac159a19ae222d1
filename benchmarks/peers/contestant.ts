import type { ClosedLoop, LoadFigures } from '../cluster/node-calls.js'

/** A cluster of three that takes load on its leader's process. */
export interface RunningCluster {
  load(options: ClosedLoop & { readonly warmUpSeconds: number }): Promise<LoadFigures>
  close(): Promise<void>
}

/** One of those that `compare` runs in turn. */
export interface Contestant {
  readonly name: string
  /** Null: it can take part; else why not. */
  prepare(): Promise<string | null>
  start(dir: string): Promise<RunningCluster>
  /** Its log store alone: calls a second that store 64 entries of 256 B, flushed. Null: it has none. */
  storeLogs(dir: string, seconds: number): Promise<number | null>
}
