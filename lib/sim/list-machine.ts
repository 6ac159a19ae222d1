import type { Entry, StateMachine } from '../fsm/state-machine.js'
import { applyTo, type Registers } from './registers.js'

/** Called for every command that a replica applies, in order; `count`: how many it holds then. */
export type OnApply = (index: number, term: number, command: string, count: number) => void

/** `position`: the command is the so manieth; `done`: its condition held. */
export interface Applied {
  readonly position: number
  readonly done: boolean
}

/** `count`: commands so far; `value` of the register that was asked for, empty when never written. */
export interface Answer {
  readonly count: number
  readonly value: string
}

/** A machine whose content the simulator can look at. */
export interface ListMachine extends StateMachine<Uint8Array, Applied, string, Answer> {
  readonly commands: readonly string[]
}

/** `beforeApply` may throw or take its time. Keeps every command it was given, and registers: what replicas must agree on. */
export function listMachine(onApply: OnApply, beforeApply: () => void = () => {}): ListMachine {
  let commands: string[] = []
  let registers: Registers = new Map()
  return {
    get commands() {
      return commands
    },
    apply: (entry: Entry) => {
      beforeApply()
      const command = new TextDecoder().decode(entry.command)
      commands.push(command)
      const done = applyTo(registers, command)
      onApply(entry.index, entry.term, command, commands.length)
      return { position: commands.length, done }
    },
    query: (key) => ({ count: commands.length, value: registers.get(key) ?? '' }),
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
      registers = new Map()
      for (const command of commands) applyTo(registers, command)
    },
  }
}
