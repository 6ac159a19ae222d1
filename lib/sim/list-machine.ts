import type { Entry, StateMachine } from '../fsm/state-machine.js'

/** Called for every command that a replica applies, in order. */
export type OnApply = (index: number, term: number, command: string) => void

/** Keeps every command it was given: what replicas must agree on. */
export function listMachine(onApply: OnApply): StateMachine<Uint8Array, number> {
  let commands: string[] = []
  return {
    apply: (entry: Entry) => {
      const command = new TextDecoder().decode(entry.command)
      commands.push(command)
      onApply(entry.index, entry.term, command)
      return commands.length
    },
    query: () => commands,
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
