import { Command } from 'commander'
import { packageVersion } from '../kv/version.js'
import { devCommand } from './dev.js'
import { laterCommands } from './later.js'
import { serveCommand } from './serve.js'
import { membersCommand, statusCommand } from './status.js'

/** The `troupe` command. */
export function troupeProgram(): Command {
  const program = new Command('troupe')
    .description('Raft for Node.js: a replicated key-value store to try, and nodes to run.')
    .version(packageVersion())
    .addCommand(devCommand())
    .addCommand(serveCommand())
    .addCommand(statusCommand())
    .addCommand(membersCommand())
  for (const command of laterCommands()) program.addCommand(command, { hidden: true })
  return program
}
