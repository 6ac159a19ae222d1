import type { ActorLogger } from '../runtime/actor.js'
import { type LogLevel, logLevels } from './option-values.js'

/** Log records as JSON, one a line; `write` is given whole lines. */
export function jsonLogger(
  level: LogLevel,
  bindings: Readonly<Record<string, unknown>>,
  write: (line: string) => void,
): ActorLogger {
  const log = (at: LogLevel) => (fields: object, message: string) => {
    if (logLevels.indexOf(at) < logLevels.indexOf(level)) return
    const record = {
      time: new Date().toISOString(),
      level: at,
      ...bindings,
      msg: message,
      ...fields,
    }
    write(`${JSON.stringify(record, plain)}\n`)
  }
  return { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') }
}

/** What JSON has no form for. */
function plain(_name: string, value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString()
  if (!(value instanceof Error)) return value
  const { name, message, stack, cause } = value
  return { ...value, name, message, stack, ...(cause !== undefined && { cause }) }
}
