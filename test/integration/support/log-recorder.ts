import type { ActorLogger } from '../../../lib/runtime/actor.js'

/** A logger that keeps warnings and errors. */
export function logRecorder(): { readonly logger: ActorLogger; readonly records: object[] } {
  const records: object[] = []
  const ignore = () => {}
  const keep = (fields: object, message: string) => {
    records.push({ ...fields, message })
  }
  return { logger: { debug: ignore, info: ignore, warn: keep, error: keep }, records }
}
