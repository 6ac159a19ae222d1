import type { NodeLine } from './output.js'

/** For a person at a terminal whose cluster has just come up. */
export function thingsToTry(nodes: readonly NodeLine[], leader: string): string {
  const [first, second = first] = nodes
  const leading = nodes.find(({ id }) => id === leader)
  const following = nodes.find(({ id }) => id !== leader) ?? leading
  if (!first || !second || !leading || !following) return ''
  const writeAndRead = [
    [`curl -X PUT ${first.http}/kv/greeting -d hello`, `write through ${first.id}`],
    [`curl ${second.http}/kv/greeting`, `read it through ${second.id}`],
  ]
  const killTheLeader = [
    [`kill -9 ${leading.pid}`, `${leader} leads: kill it`],
    [`curl -X PUT ${following.http}/kv/greeting -d again`, 'the others elect a leader and go on'],
  ]
  // Two nodes are no majority without one of them.
  const steps = nodes.length < 3 ? writeAndRead : [...writeAndRead, ...killTheLeader]
  const width = Math.max(...steps.map(([command = '']) => command.length))
  return `
Try, in another terminal:

${steps.map(([command = '', why]) => `  ${command.padEnd(width)}  # ${why}`).join('\n')}

Ctrl-C here stops the cluster; the same command starts it again with all its data.
`
}
