import { counted, duration, listed } from '../figures.js'
import type { LiveMember, LiveMessage } from '../live-message.js'
import { type ClusterLayout, clusterLayout, linkPath } from './cluster-layout.js'
import { flowLevel, Keyed, onWidth, picture, setAttributes, setText, svg } from './dom.js'
import { roleOf } from './member-table.js'

interface Circle {
  readonly root: SVGGElement
  readonly ring: SVGCircleElement
  readonly own: SVGCircleElement
  readonly name: SVGTextElement
  readonly role: SVGTextElement
  readonly state: SVGTextElement
}

interface Link {
  readonly root: SVGGElement
  readonly line: SVGPathElement
  readonly flow: SVGPathElement
}

/** The cluster as a picture: who leads, who follows and how well, and the batches on their way. */
export class ClusterPicture {
  readonly #svg: SVGSVGElement
  readonly #links: Keyed<Link>
  readonly #circles: Keyed<Circle>
  #top: string | null = null
  #width = 0
  #committedPerS = 0
  #message: LiveMessage | null = null

  constructor() {
    const { root, figure } = picture('cluster-picture')
    this.#svg = root
    const links = svg('g')
    const circles = svg('g')
    this.#svg.append(links, circles)
    this.#links = new Keyed(links, makeLink)
    this.#circles = new Keyed(circles, makeCircle)
    onWidth(figure, (width) => {
      this.#width = width
      this.#draw()
    })
  }

  show(message: LiveMessage): void {
    this.#message = message
    this.#draw()
  }

  #draw(): void {
    const message = this.#message
    if (message === null || this.#width === 0) return
    const { members, node, samples } = message
    const ids = members.map(({ id }) => id)
    // Without a leader everybody stays where they were: nothing jumps.
    const leader = members.find((member) => member.leader)?.id ?? null
    if (leader !== null) this.#top = leader
    if (this.#top === null || !ids.includes(this.#top)) this.#top = ids[0] ?? null
    const layout = clusterLayout(ids, this.#top, this.#width)
    const size = { width: this.#width, height: layout.height }
    setAttributes(this.#svg, { ...size, viewBox: `0 0 ${size.width} ${size.height}` })
    const who = leader === null ? 'There is no leader' : `${leader} leads`
    setAttributes(this.#svg, { 'aria-label': `${who}. Members: ${listed(ids)}.` })
    this.#circles.keep(ids).forEach((circle, place) => {
      const member = members[place]
      if (member !== undefined) showCircle(circle, member, layout, node)
    })
    const followers = leader === null ? [] : members.filter(({ id }) => id !== leader)
    this.#committedPerS = samples.at(-1)?.committedPerS ?? this.#committedPerS
    const level = flowLevel(this.#committedPerS)
    this.#links.keep(followers.map(({ id }) => id)).forEach((link, place) => {
      const member = followers[place]
      if (member !== undefined) showLink(link, member, layout, { leader, level })
    })
  }
}

function makeCircle(id: string): Circle {
  const ring = svg('circle', { class: 'ring' })
  const own = svg('circle', { class: 'own' })
  const name = svg('text', { class: 'name', 'text-anchor': 'middle', dy: '0.35em' }, shortened(id))
  const role = svg('text', { class: 'label' })
  const state = svg('text', { class: 'label state' })
  const root = svg('g', { class: 'member' }, svg('title', {}, id), own, ring, name, role, state)
  return { root, ring, own, name, role, state }
}

function makeLink(): Link {
  const line = svg('path', { class: 'link' })
  const flow = svg('path', { class: 'flow' })
  return { root: svg('g', {}, line, flow), line, flow }
}

function showCircle(
  circle: Circle,
  member: LiveMember,
  layout: ClusterLayout,
  node: LiveMessage['node'],
): void {
  const { radius, places } = layout
  const place = places.get(member.id)
  if (place === undefined) return
  circle.root.style.setProperty('transform', `translate(${place.x}px, ${place.y}px)`)
  setAttributes(circle.root, {
    'data-leader': `${member.leader}`,
    'data-condition': member.health?.condition ?? 'unknown',
  })
  setAttributes(circle.ring, { r: radius })
  setAttributes(circle.own, { r: member.self ? radius + 5 : 0 })
  const beside = { x: radius + 14, 'text-anchor': 'start' }
  const beneath = { x: 0, 'text-anchor': 'middle' }
  const at = place.top ? beside : beneath
  setAttributes(circle.role, { ...at, y: place.top ? -4 : radius + 22 })
  setAttributes(circle.state, { ...at, y: place.top ? 14 : radius + 39 })
  const role = roleOf(member, node.leader !== null)
  setText(circle.role, member.self ? `${role}, this node` : role)
  setText(circle.state, member.leader ? `term ${node.term}` : stateOf(member))
}

function showLink(
  link: Link,
  { id, health }: LiveMember,
  { places, radius }: ClusterLayout,
  { leader, level }: { readonly leader: string | null; readonly level: number },
): void {
  const from = places.get(leader ?? '')
  const to = places.get(id)
  if (from === undefined || to === undefined) return
  const d = linkPath(from, to, radius + 9)
  const condition = health?.condition ?? 'unknown'
  const flows = condition === 'ok' || condition === 'behind'
  setAttributes(link.line, { d })
  setAttributes(link.flow, { d, 'data-level': flows ? level : 0 })
  setAttributes(link.root, { 'data-condition': condition })
}

function stateOf({ health }: LiveMember): string {
  if (health === null) return 'not known'
  switch (health.condition) {
    case 'ok':
      return 'in step'
    case 'behind':
      return `${counted(health.behind ?? 0, 'entry', 'entries')} behind`
    case 'silent':
      return `silent for ${duration(health.lastContactMs ?? 0)}`
    case 'lost':
      return 'lost its state'
    case 'unknown':
      return 'not reached yet'
  }
}

function shortened(id: string): string {
  return id.length > 6 ? `${id.slice(0, 5)}…` : id
}
