import t from 'tap'
import { LogRecords } from './support/log-records.js'
import { TcpCluster } from './support/tcp-cluster.js'

const config = { heartbeatTimeoutMs: 1000 }

/** Healthy nodes that are started and stopped in order have nothing to complain about. */

t.test('R-22: nodes that start one after another find each other, without an error', async (t) => {
  const loggers = new Map<string, LogRecords>()
  const cluster = await TcpCluster.make({
    config,
    options: (id) => {
      const logger = new LogRecords()
      loggers.set(id, logger)
      return { logger }
    },
  })
  t.teardown(() => cluster.remove())
  await cluster.start('n3')
  await cluster.start('n1')
  await cluster.leader()
  await cluster.start('n2')
  await cluster.settle()
  for (const [id, logger] of loggers) t.same(logger.above('warn'), [], `${id} logs no error`)
})

t.test('R-21: a node that is closed in order logs no warning of its own end', async (t) => {
  const loggers = new Map<string, LogRecords>()
  const cluster = await TcpCluster.start(t, {
    config,
    options: (id) => {
      const logger = loggers.get(id) ?? new LogRecords()
      loggers.set(id, logger)
      return { logger }
    },
  })
  const leader = await cluster.leader()
  const writes = Array.from({ length: 200 }, (_, i) => leader.apply(Buffer.from(`${i}`)))
  await Promise.all(writes)
  for (const id of ['n1', 'n2', 'n3']) {
    const logger = loggers.get(id)
    const before = logger?.records.length ?? 0
    await cluster.stop(id)
    const since = logger?.records.slice(before) ?? []
    t.same(
      since.filter(({ level }) => level === 'warn' || level === 'error'),
      [],
      `${id} stops in peace`,
    )
  }
  for (const logger of loggers.values()) {
    t.ok(logger.above('info').length <= 10, 'those who stay warn of it a few times at most')
  }
})
