import { createServer } from 'node:net'
import { Command, Option } from 'commander'
import { parseAddress } from '../transport/address.js'
import { DevCluster } from './dev-cluster.js'
import { DevDirectory } from './dev-directory.js'
import { type DevOptions, type PlannedNode, planNodes } from './dev-plan.js'
import { exitWithParentOption, stopWithNpm, stopWithParent } from './exit-with-parent.js'
import { Failure } from './failure.js'
import { isSet, storeNames, wholeNumber } from './option-values.js'
import { type NodeLine, noteLine, type OutputEvent, printEvent } from './output.js'
import { ProgressLine } from './progress-line.js'
import { StopSignals } from './stop-signals.js'
import { thingsToTry } from './things-to-try.js'

const maxNodes = 9
const port = wholeNumber(1, 65_535 - maxNodes)

export function devCommand(): Command {
  return new Command('dev')
    .description('run a local cluster, one process a node, until Ctrl-C')
    .option('--nodes <count>', 'how many nodes', wholeNumber(1, maxNodes), 3)
    .addOption(
      new Option('--store <store>', 'where each log is kept').choices(storeNames).default('lmdb'),
    )
    .option('--dir <path>', 'where the nodes keep their data', '.troupe')
    .option('--fresh', 'begin anew: remove what an earlier cluster left in that directory')
    .option('--http-port <base>', 'node i serves HTTP on base + i', port, 8700)
    .option('--raft-port <base>', 'node i serves Raft on base + i', port, 7700)
    .option('--json', 'one JSON object a line on stdout')
    .addOption(exitWithParentOption())
    .action(runDev)
}

/** `troupe dev`: until a signal, or until no node is left. */
async function runDev(options: DevOptions): Promise<void> {
  const plans = planNodes(options)
  for (const plan of plans) await checkFree(plan)
  const directory = DevDirectory.claim(options)
  const signals = new StopSignals(() => cluster.kill())
  if (isSet(options.exitWithParent)) stopWithParent(signals)
  const forgetNpm = stopWithNpm(signals)
  const line = new ProgressLine()
  const cluster = new DevCluster(plans, {
    ready: (nodes, leader) => {
      line.clear()
      tellReady(nodes, leader, options)
    },
    ended: (event) => {
      line.clear()
      tellEnded(event, options)
    },
    progress: (id, { what, done, total }) =>
      line.show(`${id}: ${what}`, done, total, what === 'replay' ? 'entries' : 'bytes'),
  })
  const stopped = await Promise.race([signals.requested, cluster.gone.then(() => null)])
  await cluster.stop()
  forgetNpm()
  signals.release()
  directory.release()
  if (stopped === null) throw new Failure('every node has ended')
}

/** Told before anything is started or removed: most often another cluster runs already. */
async function checkFree(plan: PlannedNode): Promise<void> {
  const flags = [
    ['--http-port', plan.http],
    ['--raft-port', plan.raft],
  ] as const
  for (const [flag, address] of flags) {
    await new Promise<void>((resolve, reject) => {
      const server = createServer()
      server.once('error', (error: NodeJS.ErrnoException) => {
        const why = error.code === 'EADDRINUSE' ? 'is in use' : `cannot be used (${error.code})`
        const message = `${address} for ${plan.id} ${why}; choose another ${flag}`
        reject(new Failure(message, { code: error.code ?? 'EADDRINUSE' }))
      })
      server.listen(parseAddress(address), () => server.close(() => resolve()))
    })
  }
}

function tellReady(nodes: readonly NodeLine[], leader: string, { json = false }: DevOptions): void {
  for (const { id, http, raft, pid } of nodes) {
    printEvent({ event: 'node', id, http, raft, pid }, json)
  }
  printEvent({ event: 'ready', leader }, json)
  if (!json && process.stderr.isTTY) noteLine(thingsToTry(nodes, leader))
}

/** Starting it again is left to whoever watches: that is what there is to see. */
function tellEnded(
  event: OutputEvent & { readonly event: 'exit' },
  { json = false }: DevOptions,
): void {
  if (json) printEvent(event, json)
  const how = event.signal === null ? `exited with code ${event.code}` : `ended by ${event.signal}`
  noteLine(`${event.id} (pid ${event.pid}) ${how}; from ${process.cwd()} this starts it again:`)
  noteLine(event.command)
}
