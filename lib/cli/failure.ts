import { CommanderError } from 'commander'
import { isRaftError } from '../node/errors.js'

/** An end of the command that people can do something about: one line, no stack. */
export class Failure extends Error {
  override readonly name = 'Failure'
  readonly code: string | null
  readonly exitCode: number
  /** Trying again would not help. */
  readonly final: boolean

  constructor(
    message: string,
    options: {
      readonly code?: string
      readonly exitCode?: number
      readonly final?: boolean
    } = {},
  ) {
    super(message)
    this.code = options.code ?? null
    this.exitCode = options.exitCode ?? 1
    this.final = options.final ?? false
  }
}

/** The command was written wrongly, or asks for what this release does not have. */
export const exitUsage = 2

/** Prints what ended the command and returns its exit code: 0 ok, 1 refused or failed, 2 usage. */
export function reportFailure(error: unknown): number {
  // Commander has said already what is wrong, or shown the help or version that was asked for.
  if (error instanceof CommanderError) {
    const asked = error.code === 'commander.helpDisplayed' || error.code === 'commander.version'
    return asked ? 0 : exitUsage
  }
  process.stderr.write(`troupe: ${describe(error)}\n`)
  return error instanceof Failure ? error.exitCode : 1
}

/** One line with the code, where there is one; a stack only for what nobody has foreseen. */
export function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const code = 'code' in error && typeof error.code === 'string' ? error.code : null
  const foreseen = error instanceof Failure || isRaftError(error) || code !== null
  if (!foreseen) return error.stack ?? error.message
  const line = error.message.replaceAll(/\s*\n\s*/g, ' ')
  return code === null || line.startsWith(code) ? line : `${code}: ${line}`
}
