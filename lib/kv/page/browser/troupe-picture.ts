import { counted, rate } from '../figures.js'
import type { LiveMessage } from '../live-message.js'
import { type ActorBox, type BoxFigures, makeActorBox, percent } from './actor-box.js'
import { flowLevel, Keyed, onWidth, picture, setAttributes, svg } from './dom.js'
import { IndexLadder } from './index-ladder.js'
import { type Edge, troupeLayout } from './troupe-layout.js'

interface Way {
  readonly root: SVGGElement
  show(edge: Edge, perS: number): void
}

/** The actors of this node: what is in their mailboxes, how busy they are, and what flows between them. */
export class TroupePicture {
  readonly #svg: SVGSVGElement
  readonly #boxes: Keyed<ActorBox>
  readonly #ways: Keyed<Way>
  readonly #ladder = new IndexLadder()
  #requestsPerS = { writes: 0, reads: 0 }
  #message: LiveMessage | null = null
  #width = 0

  constructor() {
    const { root, figure } = picture('troupe-picture')
    const ways = svg('g')
    const boxes = svg('g')
    root.append(ways, boxes, this.#ladder.root)
    this.#svg = root
    this.#ways = new Keyed(ways, makeWay)
    this.#boxes = new Keyed(boxes, makeActorBox)
    onWidth(figure, (width) => {
      this.#width = width
      this.#draw()
    })
  }

  show(message: LiveMessage): void {
    const sample = message.samples.at(-1)
    if (sample !== undefined) {
      this.#requestsPerS = { writes: sample.writesPerS, reads: sample.readsPerS }
    }
    this.#message = message
    this.#draw()
  }

  #draw(): void {
    const width = this.#width
    const message = this.#message
    if (width === 0 || message === null || message.actors.length === 0) return
    const shown = [this.#clients(message), ...message.actors.map(figuresOf)]
    const names = shown.map(({ name }) => name)
    const layout = troupeLayout(names, width)
    // Room for the stroke of the outermost boxes.
    const viewBox = `-1 -1 ${width + 2} ${layout.height + 2}`
    setAttributes(this.#svg, { width, height: layout.height + 2, viewBox })
    setAttributes(this.#svg, { 'aria-label': inWords(message) })
    this.#boxes.keep(names).forEach((part, place) => {
      const figures = shown[place]
      const box = layout.boxes.get(figures?.name ?? '')
      if (figures !== undefined && box !== undefined) part.show(figures, box)
    })
    const center = layout.boxes.get('consensus')
    if (center !== undefined) this.#ladder.show(message.indexes, center)
    const perS = new Map(shown.map(({ name, flowPerS }) => [name, flowPerS]))
    const keys = layout.edges.map(({ from, to }) => `${from}>${to}`)
    this.#ways.keep(keys).forEach((way, place) => {
      const edge = layout.edges[place]
      // What the other one takes is a measure of both ways.
      const other = edge?.from === 'consensus' ? edge.to : edge?.from
      if (edge !== undefined) way.show(edge, perS.get(other ?? '') ?? 0)
    })
  }

  /** They are no actor of this node, and give it its work. */
  #clients({ node }: LiveMessage): BoxFigures {
    const { writes, reads } = this.#requestsPerS
    return {
      name: 'clients',
      busyShare: null,
      mail: `${counted(node.pendingEntries + node.pendingReads, 'call')} pending`,
      pace: `${rate(writes)} writes/s, ${rate(reads)} reads/s`,
      flowPerS: writes + reads,
    }
  }
}

function figuresOf(actor: LiveMessage['actors'][number]): BoxFigures {
  const { name, busyShare, messagesPerS } = actor
  const { backlogMessages, backlogBytes } = actor
  return {
    name,
    busyShare,
    mail: { messages: backlogMessages, bytes: backlogBytes },
    pace: `${rate(messagesPerS)}/s`,
    flowPerS: messagesPerS,
  }
}

function inWords({ actors, node }: LiveMessage): string {
  const [busiest] = [...actors].sort((a, b) => b.busyShare - a.busyShare)
  const most =
    busiest === undefined ? '' : `; ${busiest.name} is busiest, ${percent(busiest.busyShare)}`
  return `${counted(actors.length, 'actor')} of ${node.id}${most}.`
}

function makeWay(): Way {
  const line = svg('path', { class: 'link' })
  const flow = svg('path', { class: 'flow' })
  return {
    root: svg('g', {}, line, flow),
    show({ d }, perS) {
      setAttributes(line, { d })
      setAttributes(flow, { d, 'data-level': flowLevel(perS) })
    },
  }
}
