import type { LogIndex, NodeId } from '../../../lib/core/types.js'
import { CONFIG, members } from './cores.js'
import type { ModelBatch } from './model-disk.js'
import type { Envelope } from './model-messages.js'
import { renderDeed, renderEnvelope, renderStatus } from './render.js'
import { Soup } from './soup.js'

/**
 * Tells a story of a few nodes, command by command. A command is one line:
 *
 *   cluster n1 n2 n3? ...   new nodes, voters or (with ?) nonvoters, that know each other since entry 1
 *   log n1 1 1 2:n1,n2 3    n1 starts again with entries of these terms; an entry may be a configuration
 *   term n1 7               n1 starts again in that term
 *   wait 300                time passes, and nobody looks at the clock
 *   tick n1 | timeout n1    n1 looks at the clock now | when its election is due
 *   deliver [n1->n2] ...    what is under way there (either end may be left out), and what follows from it;
 *                           `deliver one ...` what is there now; `deliver first ...` the oldest
 *                           message; `deliver last ...` the newest
 *   drop [n1->n2] ...       is lost instead
 *   double n1->n2           what is under way comes twice
 *   elect n1                timeout n1 and deliver, told in a line
 *   quietly ...             any command, not told
 *   propose n1 x [count]    a batch of commands; also: barrier n1
 *   heartbeat n1 | retry n1 heartbeats to all | sends again what is not acknowledged
 *   read n1 7 | lease n1 7  a read by read index | by lease
 *   transfer n1 [n2]        hands the leadership over
 *   snapshot n1 5           n1 takes a snapshot at index 5
 *   crash n1 | restart n1   what was not synced is lost
 *   disk n1 slow|fast|full  slow: only `sync n1 [count]` makes anything durable
 *   cut n1 | heal n1        n1 can reach nobody, and nobody n1
 *   status [n1] ...         what they are
 */
export class Story {
  #soup = new Soup([], () => ({ config: CONFIG, random: () => 0 }))
  #names: readonly NodeId[] = []
  #lines: string[] = []
  /** Names the node before its deeds, where the command line does not. */
  #speaker: string | null = null

  /** The output of one command line. */
  tell(line: string): readonly string[] {
    const [command = '', ...words] = line.split(/\s+/)
    this.#lines = []
    this.#speaker = words[0] ?? null
    if (command === 'quietly') this.#silently(() => this.tell(words.join(' ')))
    else this.#carryOut(command, words)
    return this.#lines
  }

  #carryOut(command: string, words: readonly string[]): void {
    const [id = '', word = ''] = words
    const soup = this.#soup
    switch (command) {
      case 'cluster':
        return this.#cluster(words)
      case 'log':
        return this.#log(id, words.slice(1))
      case 'term':
        return soup.install(id, Number(word), soup.node(id).disk.batches)
      case 'wait':
        soup.now += Number(id)
        return
      case 'tick':
        return soup.step(id, { kind: 'tick' })
      case 'timeout':
        return this.#timeout(id)
      case 'deliver':
        return this.#deliver(words)
      case 'drop':
        return this.#drop(words)
      case 'double':
        soup.messages = soup.messages.flatMap((envelope) =>
          isOn(words, envelope) ? [envelope, { ...envelope }] : [envelope],
        )
        return
      case 'elect':
        return this.#elect(id)
      case 'propose':
        return soup.act(id, (node, now) => node.propose(now, word, Number(words[2] ?? 1)))
      case 'barrier':
        return soup.step(id, { kind: 'barrier', id: 1 })
      case 'heartbeat':
        return soup.act(id, (node, now) => {
          node.heartbeat(now)
          return []
        })
      case 'retry':
        return soup.act(id, (node) => {
          for (const peer of node.replicator.peers) node.replicator.retry(peer)
          return []
        })
      case 'read':
      case 'lease':
        return soup.step(id, { kind: 'readIndex', id: Number(word), lease: command === 'lease' })
      case 'transfer':
        return soup.step(id, { kind: 'transfer', id: 1, to: word === '' ? null : word })
      case 'snapshot':
        return soup.act(id, (node, now) => node.snapshot(now, Number(word)))
      case 'crash':
        return soup.crash(id)
      case 'restart':
        return soup.start(id)
      case 'disk':
        return this.#disk(id, word)
      case 'sync':
        return soup.sync(id, word === '' ? undefined : Number(word))
      case 'cut':
        soup.cut.add(id)
        return
      case 'heal':
        soup.cut.delete(id)
        return
      case 'status':
        this.#lines = (words.length > 0 ? words : this.#names).map((name) =>
          renderStatus(soup.node(name)),
        )
        return
      default:
        throw new Error(`there is no command ${command}`)
    }
  }

  #cluster(names: readonly string[]): void {
    this.#names = names.map((name) => name.replace('?', ''))
    // Equal draws for each node every time, so that who times out first is plain: n1, then n2, ...
    this.#soup = new Soup(this.#names, (position) => ({
      config: CONFIG,
      random: () => position / 10,
    }))
    this.#soup.onDeed((deed) => {
      const name = deed.node.id === this.#speaker ? '' : `${deed.node.id}: `
      for (const line of renderDeed(deed)) this.#lines.push(`  ${name}${line}`)
    })
    this.#silently(() => this.#soup.bootstrap(members(names)))
  }

  /** Entry 1 is the bootstrap configuration; the others are named after their index. */
  #log(id: NodeId, terms: readonly string[]): void {
    const first = this.#soup.node(id).disk.batches[0]
    let prevTerm = 0
    const batches = terms.map((text, position): ModelBatch => {
      const [term = '', names] = text.split(':')
      const index: LogIndex = position + 1
      const place = { firstIndex: index, lastIndex: index, term: Number(term), prevTerm }
      prevTerm = Number(term)
      if (index === 1 && first !== undefined) return { ...first, ...place }
      const configuration = names === undefined ? null : members(names.split(','))
      return { ...place, value: `e${index}`, configuration }
    })
    this.#silently(() => this.#soup.install(id, Math.max(1, prevTerm), batches))
  }

  #timeout(id: NodeId): void {
    const soup = this.#soup
    soup.now = Math.max(soup.now, soup.node(id).core.nextDeadline())
    soup.step(id, { kind: 'tick' })
  }

  #elect(id: NodeId): void {
    this.#silently(() => {
      this.#timeout(id)
      this.#deliver([])
    })
    this.#lines.push(renderStatus(this.#soup.node(id)))
  }

  #disk(id: NodeId, kind: string): void {
    const { disk } = this.#soup.node(id)
    if (kind === 'slow') this.#soup.slow.add(id)
    if (kind === 'fast' && this.#soup.slow.delete(id)) this.#soup.sync(id)
    const writable = disk.full && kind !== 'full'
    disk.full = kind === 'full'
    if (writable) this.#soup.step(id, { kind: 'logWritable' })
  }

  #deliver(words: readonly string[]): void {
    const limit = LIMITS[words[0] ?? ''] ?? null
    const routes = limit === null ? words : words.slice(1)
    for (let rounds = 0; rounds < 100; rounds++) {
      const taken = this.#take(routes, ...(limit ?? []))
      for (const envelope of taken) {
        this.#lines.push(renderEnvelope(envelope))
        this.#speaker = envelope.to
        this.#soup.deliver(envelope)
      }
      if (limit !== null || taken.length === 0) return
    }
    throw new Error('the messages never end')
  }

  #drop(routes: readonly string[]): void {
    for (const envelope of this.#take(routes)) {
      this.#lines.push(renderEnvelope(envelope))
    }
  }

  /** Takes the messages on these routes out of the soup, or a slice of them. */
  #take(routes: readonly string[], start?: number, end?: number): readonly Envelope[] {
    const onRoute = this.#soup.messages.filter((envelope) => isOn(routes, envelope))
    const taken = onRoute.slice(start, end)
    const rest = new Set(this.#soup.messages)
    for (const envelope of taken) rest.delete(envelope)
    this.#soup.messages = [...rest]
    return taken
  }

  #silently(deed: () => void): void {
    const told = this.#lines
    this.#lines = []
    deed()
    this.#lines = told
  }
}

/** Which of the messages under way `deliver one`, `first` and `last` take, as a slice of them. */
const LIMITS: Readonly<Record<string, readonly [start: number, end?: number]>> = {
  one: [0],
  first: [0, 1],
  last: [-1],
}

/** Every message is on no route in particular. */
function isOn(routes: readonly string[], { from, to }: Envelope): boolean {
  if (routes.length === 0) return true
  return routes.some((route) => {
    const [start = '', end = ''] = route.split('->')
    return (start === '' || start === from) && (end === '' || end === to)
  })
}

/** A story file: blocks of command lines, `----`, and what they print, with blank lines between. */
export function tellAgain(text: string): string {
  const story = new Story()
  const blocks = text.trimEnd().split(/\n\n+/)
  const told = blocks.map((block) => {
    const commands = (block.split('\n----')[0] ?? '').split('\n')
    if (commands.every((line) => line.startsWith('#'))) return block
    const output = commands.filter((line) => !line.startsWith('#')).flatMap((l) => story.tell(l))
    return [...commands, '----', ...(output.length > 0 ? output : ['ok'])].join('\n')
  })
  return `${told.join('\n\n')}\n`
}
