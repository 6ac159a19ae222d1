import { Command, Option } from 'commander'
import type { ServerOptions } from '../node/options.js'
import { exitWithParentOption } from './exit-with-parent.js'
import { exitUsage, Failure } from './failure.js'
import { hostNameList } from './host-names.js'
import {
  bootstrapList,
  hostPort,
  isSet,
  type LogLevel,
  logLevels,
  nodeAddress,
  type StoreName,
  storeNames,
  wholeNumber,
} from './option-values.js'
import { runNode } from './run-node.js'
import { addSecurityOptions, type SecurityFlags } from './security-options.js'

/** The options of `troupe serve`, each also a variable of the environment. */
export interface ServeOptions extends SecurityFlags {
  readonly cluster: string
  readonly id: string
  readonly raft: string
  readonly http: string
  readonly dir?: string
  readonly store: StoreName
  readonly bootstrap?: readonly ServerOptions[]
  /** Of these three, empty is as good as not given. */
  readonly join?: string
  readonly advertise?: string
  readonly advertiseHttp?: string
  readonly hostNames?: readonly string[]
  readonly heartbeatTimeoutMs?: number
  readonly logLevel: LogLevel
  readonly json?: boolean
  readonly exitWithParent?: boolean
}

export function serveCommand(): Command {
  const command = new Command('serve')
    .description('run one node: the key-value store over HTTP, replicated over Raft')
    .addOption(option('--cluster <name>', 'name of the cluster').makeOptionMandatory())
    .addOption(option('--id <id>', 'name of this node in it').makeOptionMandatory())
    .addOption(
      option('--raft <host:port>', 'where other nodes reach it')
        .argParser(hostPort)
        .makeOptionMandatory(),
    )
    .addOption(
      option('--http <host:port>', 'where clients reach it')
        .argParser(hostPort)
        .makeOptionMandatory(),
    )
    .addOption(option('--dir <path>', 'data directory (not needed with --store memory)'))
    .addOption(
      option('--store <store>', 'where the log is kept').choices(storeNames).default('lmdb'),
    )
    .addOption(
      option(
        '--bootstrap <id=host:port,…>',
        'the first members, each with @http://host:port if wanted; ignored once there is state',
      ).argParser(bootstrapList),
    )
    .addOption(
      option(
        '--join <url>',
        'HTTP address of a member: asks to be added as a voter; ignored once there is state',
      ).argParser(unlessEmpty(nodeAddress)),
    )
    .addOption(
      option(
        '--advertise <host:port>',
        'its Raft address as others dial it, if not --raft',
      ).argParser(unlessEmpty(hostPort)),
    )
    .addOption(
      option(
        '--advertise-http <url>',
        'its HTTP address as others reach it, if not --http',
      ).argParser(unlessEmpty(nodeAddress)),
    )
    .addOption(
      option(
        '--host-names <name,…>',
        'names by which clients address it, besides its own addresses',
      ).argParser(hostNameList),
    )
    .addOption(
      option('--heartbeat-timeout-ms <ms>', 'silence of the leader before an election').argParser(
        wholeNumber(5, 600_000),
      ),
    )
    .addOption(option('--insecure', 'allow listening beyond this machine without TLS or tokens'))
    .addOption(
      option('--log-level <level>', 'of the JSON lines on stderr')
        .choices(logLevels)
        .default('info'),
    )
    .addOption(option('--json', 'one JSON object a line on stdout'))
    .addOption(exitWithParentOption())
  return addSecurityOptions(command).action(serve)
}

async function serve(given: ServeOptions): Promise<void> {
  if (given.join && given.bootstrap !== undefined) {
    const message = '--bootstrap begins a cluster, --join enters one: give one of them'
    throw new Failure(message, { exitCode: exitUsage })
  }
  await runNode({ ...given, insecure: isSet(given.insecure), json: isSet(given.json) })
}

/** A variable that is set to nothing is not set. */
function unlessEmpty(parse: (value: string) => string): (value: string) => string {
  return (value) => (value === '' ? '' : parse(value))
}

/** Every option of this command has a variable: `--raft` is TROUPE_RAFT. */
function option(flags: string, description: string): Option {
  const made = new Option(flags, description)
  const name = made.name().toUpperCase().replaceAll('-', '_')
  return made.env(`TROUPE_${name}`)
}
