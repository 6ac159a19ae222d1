import type { Test } from 'tap'
import type { NodeProcess, Processes } from './processes.js'
import type { SessionStream } from './session-stream.js'

/** One of the nodes, which is another than `but`. */
export function oneOf(nodes: readonly NodeProcess[], but?: NodeProcess): NodeProcess {
  const found = nodes.find((node) => node !== but)
  if (found === undefined) throw new Error('a cluster of three has others')
  return found
}

/** Every acknowledged text is on every node, once. */
export async function agree(t: Test, cluster: Processes, stream: SessionStream): Promise<void> {
  await stream.stop()
  t.same(new Set(stream.ends), new Set(['applied']), 'every command ended well')
  for (const node of cluster.nodes) {
    const texts = (await node.call({ kind: 'texts' })) as readonly string[]
    const applied = texts.filter((text) => text.startsWith(stream.prefix))
    const what = `${node.id} has each of ${stream.sent.length} once`
    t.same(applied.sort(), [...stream.sent].sort(), what)
  }
}
