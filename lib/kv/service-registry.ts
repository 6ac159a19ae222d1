import { Counter, Gauge, Registry } from 'prom-client'
import { type MeasuredNode, troupeMetrics } from './prometheus.js'

/** What `GET /metrics` tells: the node's metrics, and three about its process. */
export interface ServiceRegistry {
  readonly contentType: string
  text(): Promise<string>
  release(): void
}

export function serviceRegistry(node: MeasuredNode): ServiceRegistry {
  const registry = new Registry()
  const release = troupeMetrics(node, { registry })
  const registers = [registry]
  new Gauge({
    name: 'process_resident_memory_bytes',
    help: 'Resident memory of the process',
    registers,
    collect() {
      this.set(process.memoryUsage.rss())
    },
  })
  new Counter({
    name: 'process_cpu_seconds_total',
    help: 'User and system time of the process, all threads together',
    registers,
    collect() {
      const { user, system } = process.cpuUsage()
      this.reset()
      this.inc((user + system) / 1e6)
    },
  })
  new Gauge({
    name: 'process_start_time_seconds',
    help: 'When the process began, since the epoch',
    registers,
  }).set(Date.now() / 1000 - process.uptime())
  return { contentType: registry.contentType, text: () => registry.metrics(), release }
}
