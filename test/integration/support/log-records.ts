import type { ActorLogger } from '../../../lib/runtime/actor.js'

export interface LogRecord {
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  readonly fields: object
  readonly message: string
}

/** A logger that keeps its records. */
export class LogRecords implements ActorLogger {
  readonly records: LogRecord[] = []

  debug(fields: object, message: string): void {
    this.records.push({ level: 'debug', fields, message })
  }

  info(fields: object, message: string): void {
    this.records.push({ level: 'info', fields, message })
  }

  warn(fields: object, message: string): void {
    this.records.push({ level: 'warn', fields, message })
  }

  error(fields: object, message: string): void {
    this.records.push({ level: 'error', fields, message })
  }

  above(level: 'info' | 'warn'): readonly LogRecord[] {
    const levels = level === 'info' ? ['warn', 'error'] : ['error']
    return this.records.filter((record) => levels.includes(record.level))
  }
}
