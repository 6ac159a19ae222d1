import { Command } from 'commander'
import { notAvailable } from './failure.js'

const names = ['doctor']

/** Commands of later releases: known by name, so that a script learns why they do nothing. */
export function laterCommands(): readonly Command[] {
  return names.map((name) =>
    new Command(name)
      .helpOption(false)
      .allowUnknownOption()
      .argument('[arguments...]')
      .action((given: readonly string[]) => {
        const action = name === 'log' ? given.find((word) => !word.startsWith('-')) : undefined
        throw notAvailable(['troupe', name, action].filter(Boolean).join(' '))
      }),
  )
}
