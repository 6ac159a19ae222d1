import type { Entry, StateMachine } from '../fsm/state-machine.js'

/** Called for every command that a replica applies, in order; `count`: how many it holds then. */
export type OnApply = (index: number, term: number, command: string, count: number) => void

/** A machine whose content the simulator can look at. */
export interface ListMachine extends StateMachine<Uint8Array, number, null, number> {
  readonly commands: readonly string[]
}

/** Keeps every command it was given: what replicas must agree on. A query tells how many it holds. */
export function listMachine(onApply: OnApply): ListMachine {
  let commands: string[] = []
  return {
    get commands() {
      return commands
    },
    apply: (entry: Entry) => {
      const command = new TextDecoder().decode(entry.command)
      commands.push(command)
      onApply(entry.index, entry.term, command, commands.length)
      return commands.length
    },
    query: () => commands.length,
    snapshot: () => {
      const captured = commands.join('\n')
      return {
        persist: async (sink) => {
          await sink.write(new TextEncoder().encode(captured))
        },
      }
    },
    restore: async (source) => {
      const decoder = new TextDecoder()
      let text = ''
      for await (const chunk of source) text += decoder.decode(chunk, { stream: true })
      commands = text === '' ? [] : text.split('\n')
    },
  }
}
