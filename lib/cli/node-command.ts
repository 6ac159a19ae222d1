import { Command, Option } from 'commander'
import { nodeAddress } from './option-values.js'
import { printLine } from './output.js'

/** What every command that asks a running node is given. */
export interface NodeFlags {
  /** `http://host:port` of any node. */
  readonly http: string
  readonly json?: boolean
}

export const defaultNode = 'http://127.0.0.1:8701'

/** A command that asks a running node. */
export function nodeCommand(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .addOption(nodeOption().default(defaultNode))
    .option('--json', 'as JSON')
}

export function nodeOption(): Option {
  return new Option('--http <url>', 'HTTP address of any node')
    .env('TROUPE_HTTP')
    .argParser(nodeAddress)
}

/** The answer as it came, or in words. */
export function printAnswer(answer: object, words: string, json: boolean | undefined): void {
  printLine(json === true ? JSON.stringify(answer) : words)
}
