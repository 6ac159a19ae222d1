import type { StateMachine } from '../../../lib/fsm/state-machine.js'

/** Keeps every command that it was given, in order. */
export interface ListMachine extends StateMachine<Uint8Array, number> {
  readonly commands: readonly string[]
}

export function listMachine(): ListMachine {
  let commands: string[] = []
  return {
    get commands() {
      return commands
    },
    apply: ({ command }) => commands.push(new TextDecoder().decode(command)),
    snapshot: () => {
      const captured = new TextEncoder().encode(commands.join('\n'))
      return { persist: (sink) => sink.write(captured) }
    },
    restore: async (source) => {
      const chunks: Uint8Array[] = []
      for await (const chunk of source) chunks.push(chunk)
      const text = Buffer.concat(chunks).toString()
      commands = text === '' ? [] : text.split('\n')
    },
  }
}
