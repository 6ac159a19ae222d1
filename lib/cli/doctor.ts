import { Command } from 'commander'
import type { Diagnostics } from '../kv/service-diagnostics.js'
import { resolveConfig } from '../node/resolve-config.js'
import { now } from '../runtime/clock.js'
import { type AccessFlags, clientAccess } from './client-access.js'
import {
  clockFindings,
  diskFinding,
  type Examined,
  type Finding,
  flushFinding,
  likenessFindings,
  loopFinding,
  memberFindings,
  peerFindings,
  timeoutFinding,
  voterFinding,
} from './doctor-checks.js'
import { directoryFindings } from './doctor-directory.js'
import { Failure } from './failure.js'
import { leadersView } from './members.js'
import { NodeClient } from './node-client.js'
import { addClientOptions, defaultNode, nodeOption } from './node-command.js'
import { wholeNumber } from './option-values.js'
import { printLine } from './output.js'
import { formatTable } from './table.js'

interface DoctorFlags extends AccessFlags {
  readonly http?: string
  readonly dir?: string
  readonly heartbeatTimeoutMs?: number
  readonly json?: boolean
}

/** The quickest of so many requests tells most of a clock. */
const requests = 5

export function doctorCommand(): Command {
  const command = new Command('doctor')
    .description('measure disk, network and clocks, and say what to change')
    .addOption(nodeOption())
    .option('--dir <path>', 'a data directory: measures its disk; of a stopped node, looks into it')
    .option(
      '--heartbeat-timeout-ms <ms>',
      'with --dir: what its node runs with',
      wholeNumber(5, 600_000),
    )
    .option('--json', 'as JSON')
  return addClientOptions(command).action(examine)
}

async function examine(flags: DoctorFlags): Promise<void> {
  const { http, dir, heartbeatTimeoutMs, json } = flags
  const url = http ?? (dir === undefined ? defaultNode : undefined)
  const config = resolveConfig(heartbeatTimeoutMs === undefined ? {} : { heartbeatTimeoutMs })
  const findings = [
    ...(dir === undefined ? [] : await directoryFindings(dir, config)),
    ...(url === undefined ? [] : await askedFindings(url, flags)),
  ]
  const failed = findings.filter(({ result }) => result === 'fail')
  if (json === true) printLine(JSON.stringify({ ok: failed.length === 0, findings }))
  else {
    const rows = findings.map(({ on, check, result, measured, advice }) => [
      result,
      on,
      check,
      measured,
      advice,
    ])
    printLine(formatTable(['RESULT', 'ON', 'CHECK', 'MEASURED', 'ADVICE'], rows))
  }
  if (failed.length === 0) return
  throw new Failure(`not well: ${failed.map(({ on, check }) => `${check} of ${on}`).join(', ')}`)
}

/** What the disk told is told whether a node answers or not. */
async function askedFindings(url: string, flags: DoctorFlags): Promise<readonly Finding[]> {
  try {
    return await clusterFindings(new NodeClient(url, clientAccess(flags)))
  } catch (error) {
    if (flags.dir === undefined || !(error instanceof Failure)) throw error
    const advice = 'with --dir alone, and no TROUPE_HTTP, only the directory is looked at'
    return [{ on: url, check: 'reached', result: 'fail', measured: error.message, advice }]
  }
}

async function clusterFindings(client: NodeClient): Promise<readonly Finding[]> {
  const members = await leadersView(client)
  const asked = await Promise.all(
    members.servers.map(({ http }) =>
      http === null ? null : examineNode(client.at(http)).catch(() => null),
    ),
  )
  const nodes = asked.filter((node) => node !== null)
  const trips = nodes.flatMap(({ diagnostics }) =>
    diagnostics.peers.map((peer) => peer.roundTripMs ?? 0),
  )
  const roundTripMs = Math.max(0, ...trips)
  return [
    ...memberFindings(members, new Set(nodes.map(({ id }) => id))),
    voterFinding(members.servers),
    ...clockFindings(nodes),
    ...likenessFindings(nodes),
    ...nodes.flatMap((node) => nodeFindings(node, roundTripMs)),
  ]
}

function nodeFindings(node: Examined, roundTripMs: number): readonly Finding[] {
  const { id, diagnostics } = node
  const { flush, timeouts, disk, storeBytes } = diagnostics
  return [
    flushFinding(id, flush),
    timeoutFinding(id, timeouts, flush.p99Ms, roundTripMs),
    ...loopFinding(id, diagnostics),
    diskFinding(id, disk, storeBytes),
    ...peerFindings(node),
  ]
}

/** Asks several times: the quickest answer is the least wrong about the node's clock. */
async function examineNode(client: NodeClient): Promise<Examined> {
  let best: Examined | null = null
  for (let request = 0; request < requests; request++) {
    const begin = now()
    const wallBegin = Date.now()
    const diagnostics = await client.json<Diagnostics>('/diagnostics')
    const roundTripMs = now() - begin
    if (best !== null && best.roundTripMs <= roundTripMs) continue
    const clockOffsetMs = diagnostics.time - (wallBegin + roundTripMs / 2)
    best = { id: diagnostics.id, diagnostics, roundTripMs, clockOffsetMs }
  }
  if (best === null) throw new Failure(`no answer from ${client.url}`)
  return best
}
