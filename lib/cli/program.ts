import { Command } from 'commander'
import { packageVersion } from '../kv/version.js'
import { backupCommand, snapshotCommand } from './backup.js'
import { devCommand } from './dev.js'
import { doctorCommand } from './doctor.js'
import { inspectCommand } from './log-inspect.js'
import { verifyCommand } from './log-verify.js'
import {
  addCommand,
  demoteCommand,
  membersCommand,
  promoteCommand,
  removeCommand,
  transferCommand,
} from './members.js'
import { recoverCommand } from './recover.js'
import { restoreCommand } from './restore.js'
import { serveCommand } from './serve.js'
import { statusCommand } from './status.js'

/** The `troupe` command. */
export function troupeProgram(): Command {
  const program = new Command('troupe')
    .description('Raft for Node.js: a replicated key-value store to try, and nodes to run.')
    .version(packageVersion())
    .addCommand(devCommand())
    .addCommand(serveCommand())
    .addCommand(statusCommand())
    .addCommand(membersCommand())
    .addCommand(addCommand())
    .addCommand(removeCommand())
    .addCommand(demoteCommand())
    .addCommand(promoteCommand())
    .addCommand(transferCommand())
    .addCommand(snapshotCommand())
    .addCommand(backupCommand())
    .addCommand(restoreCommand())
    .addCommand(logCommand())
    .addCommand(doctorCommand())
    .addCommand(recoverCommand())
  throwOnExit(program)
  return program
}

function logCommand(): Command {
  return new Command('log')
    .description('look into the data directory of a stopped node')
    .addCommand(inspectCommand())
    .addCommand(verifyCommand())
}

/** Exit codes are decided in one place, not where commander finds something wrong. */
function throwOnExit(command: Command): void {
  command.exitOverride()
  for (const inner of command.commands) throwOnExit(inner)
}
