import { Command, Option } from 'commander'
import { type AccessFlags, addAccessOptions } from './client-access.js'
import { nodeAddress } from './option-values.js'
import { printLine } from './output.js'

/** What every command that asks a running node is given. */
export interface NodeFlags extends AccessFlags {
  /** `http://host:port` or `https://host:port` of any node. */
  readonly http: string
  readonly json?: boolean
}

export const defaultNode = 'http://127.0.0.1:8701'

/** A command that asks a running node. */
export function nodeCommand(name: string, description: string): Command {
  const command = new Command(name)
    .description(description)
    .addOption(nodeOption().default(defaultNode))
    .option('--json', 'as JSON')
  return addClientOptions(command)
}

/** Who asks, and what it takes for an answer. */
export function addClientOptions(command: Command): Command {
  const insecure = new Option('--insecure', 'send the token over a network without TLS')
  return addAccessOptions(command).addOption(insecure.env('TROUPE_INSECURE'))
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
