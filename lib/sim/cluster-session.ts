import type { SimCluster } from './sim-cluster.js'
import { SimSession } from './sim-session.js'

/** A client of this cluster that works through a session, at whoever leads. */
export function clusterSession(
  name: string,
  cluster: SimCluster,
  { guard, quiet }: { guard: (check: () => void) => void; quiet: () => boolean },
): SimSession {
  const { scheduler, totals, clients } = cluster
  const leader = () => {
    const node = cluster.view.leading()?.node
    return node === undefined ? undefined : cluster.program(node.id)
  }
  return new SimSession(name, {
    after: (delayMs, callback) => void scheduler.after(delayMs, callback),
    random: () => scheduler.random(),
    quiet,
    propose: (entry, ended) => {
      const program = leader()
      program?.proposeFor(entry, ended)
      return program !== undefined
    },
    command: (id) => {
      const made = leader()?.command(id) ?? null
      if (made !== null) clients.proposed(made.text, cluster.now)
      return made
    },
    opened: () => {
      totals.sessions++
    },
    expired: () => {
      totals.expiredSessions++
    },
    repeated: () => {
      totals.repeatedCommands++
    },
    done: (command, value) => {
      totals.sessionCommands++
      guard(() => clients.answeredOnce(command, value, cluster.now))
    },
  })
}
