import { bytes, whole } from '../figures.js'
import { setAttributes, setText, svg } from './dom.js'
import type { Box } from './troupe-layout.js'

/** What a box of the troupe's picture tells. */
export interface BoxFigures {
  readonly name: string
  /** Null: not an actor, so nobody knows. */
  readonly busyShare: number | null
  readonly mail: string | { readonly messages: number; readonly bytes: number }
  readonly pace: string
  readonly flowPerS: number
}

export interface ActorBox {
  readonly root: SVGGElement
  show(figures: BoxFigures, box: Box): void
}

export const padding = 12

const tasks: Readonly<Record<string, string>> = {
  clients: 'call this service',
  inbound: 'hears the others',
  consensus: 'decides',
  log: 'writes and flushes',
  fsm: 'applies',
  snapshot: 'keeps snapshots',
}

/** Room for the figure at the right of the first line. */
const busyWidth = 58

export function makeActorBox(name: string): ActorBox {
  const outline = svg('rect', { class: 'box', rx: 6 })
  const title = svg('text', { class: 'name', x: padding, y: 22 }, titleOf(name))
  const task = svg('text', { class: 'task', y: 22 }, tasks[name] ?? '')
  const busy = svg('text', { class: 'busy', 'text-anchor': 'end', y: 22 })
  const mail = svg('text', { class: 'mail', x: padding, y: 41 })
  const pace = svg('text', { class: 'mail', 'text-anchor': 'end', y: 41 })
  const track = svg('rect', { class: 'track', x: padding, y: 49, height: 4, rx: 2 })
  const bar = svg('rect', { class: 'bar', x: padding, y: 49, height: 4, rx: 2 })
  const root = svg('g', { class: 'actor' }, outline, title, task, busy, mail, pace, track, bar)
  return {
    root,
    show(figures, { x, y, width, height }) {
      const { busyShare } = figures
      const inner = width - 2 * padding
      const load = busyShare === null ? 'none' : loadOf(busyShare)
      setAttributes(root, { transform: `translate(${x} ${y})`, 'data-load': load })
      setAttributes(outline, { width, height })
      setAttributes(busy, { x: width - padding })
      setAttributes(pace, { x: width - padding })
      setAttributes(track, { width: inner })
      setAttributes(bar, { width: Math.max(0, inner * (busyShare ?? 0)) })
      const titleWidth = title.getComputedTextLength()
      const fits = titleWidth + task.getComputedTextLength() + 8 < inner - busyWidth
      setAttributes(task, { x: padding + 8 + titleWidth, visibility: fits ? 'visible' : 'hidden' })
      setText(busy, busyShare === null ? '' : percent(busyShare))
      setText(mail, mailOf(figures.mail))
      setText(pace, figures.pace)
    },
  }
}

export function percent(share: number): string {
  return `${(share * 100).toFixed(share > 0 && share < 0.1 ? 1 : 0)} %`
}

function titleOf(name: string): string {
  return name.replace(/^replicator-/, 'replicator → ')
}

function mailOf(mail: BoxFigures['mail']): string {
  if (typeof mail === 'string') return mail
  if (mail.messages === 0) return 'mailbox empty'
  const size = mail.bytes > 0 ? `, ${bytes(mail.bytes)}` : ''
  return `mailbox ${whole(mail.messages)}${size}`
}

/** Saturation that is worth a colour. */
function loadOf(share: number): string {
  if (share > 0.9) return 'full'
  return share > 0.7 ? 'high' : 'fair'
}
