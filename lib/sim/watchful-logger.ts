import type { ActorLogger } from '../runtime/actor.js'
import { SafetyViolation } from './violation.js'

/** No wire damages anything here: a batch that fails its checksum was overwritten in memory (S7). */
export function watchfulLogger(
  id: string,
  report: (violation: SafetyViolation) => void,
  logger?: ActorLogger,
): ActorLogger {
  const look = (fields: object): void => {
    const { error } = fields as { readonly error?: unknown }
    if (typeof error !== 'string' || !/damaged on its way|announces/.test(error)) return
    report(new SafetyViolation('memory is not reused while it is read', `${id}: ${error}`))
  }
  return {
    debug: (fields, message) => {
      look(fields)
      logger?.debug(fields, message)
    },
    info: (fields, message) => logger?.info(fields, message),
    warn: (fields, message) => {
      look(fields)
      logger?.warn(fields, message)
    },
    error: (fields, message) => logger?.error(fields, message),
  }
}
