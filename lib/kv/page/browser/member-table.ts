import { duration, whole } from '../figures.js'
import type { LiveHealth, LiveMember, LiveMessage } from '../live-message.js'
import { byId, html, Keyed, setAttributes, setText } from './dom.js'

interface Row {
  readonly root: HTMLTableRowElement
  show(member: LiveMember, message: LiveMessage): void
}

/** The members in figures, with a button each that makes it the leader. */
export class MemberTable {
  readonly #rows: Keyed<Row>

  constructor(transfer: (id: string) => void) {
    const body = byId('members').querySelector('tbody')
    if (body === null) throw new Error('the table of members has no body')
    this.#rows = new Keyed(body, (id) => makeRow(id, transfer))
  }

  show(message: LiveMessage): void {
    const { members, healthFrom, node } = message
    const rows = this.#rows.keep(members.map(({ id }) => id))
    members.forEach((member, place) => void rows[place]?.show(member, message))
    setText(byId('members-source'), sourceOf(healthFrom, node.id))
  }
}

function sourceOf(healthFrom: string | null, self: string): string {
  if (healthFrom === null) return 'No leader can be asked now how the members do.'
  return healthFrom === self ? '' : `As the leader ${healthFrom} sees them.`
}

function makeRow(id: string, transfer: (id: string) => void): Row {
  const name = html('a', { class: 'member-name' }, id)
  const address = html('span', { class: 'address wide' })
  const role = html('span')
  const self = html('span', { class: 'address' })
  // Where there is no room for a column of its own.
  const roleBelow = html('span', { class: 'address narrow' })
  const cells = {
    behind: html('td', { class: 'number' }),
    holds: html('td', { class: 'number wide' }),
    heard: html('td', { class: 'number' }),
    roundTrip: html('td', { class: 'number wide' }),
  }
  const button = html('button', { type: 'button' }, 'Make leader')
  setAttributes(button, { 'aria-label': `Make ${id} the leader` })
  button.addEventListener('click', () => {
    if (button.getAttribute('aria-disabled') !== 'true') transfer(id)
  })
  const { behind, holds, heard, roundTrip } = cells
  const action = html('td', { class: 'action' }, button)
  const first = html('th', { scope: 'row' }, name, address, roleBelow)
  const root = html('tr', { 'data-member': id }, first)
  root.append(html('td', { class: 'wide' }, role, self), behind, holds, heard, roundTrip, action)
  return {
    root,
    show(member, message) {
      const { health } = member
      showName(name, member)
      setText(address, member.address)
      const named = roleOf(member, message.node.leader !== null)
      setText(role, named)
      setText(self, member.self ? 'this node' : '')
      setText(roleBelow, member.self ? `${named}, here` : named)
      setText(behind, amount(health?.behind))
      setText(holds, amount(health?.matchIndex))
      setText(heard, heardOf(member))
      setText(roundTrip, time(health?.roundTripMs))
      setAttributes(root, {
        'data-condition': health?.condition ?? 'unknown',
        'data-leader': `${member.leader}`,
      })
      showButton(button, member, message)
    },
  }
}

/** Its own page, where it says where that is. An address of another kind is no link. */
function showName(name: HTMLAnchorElement, { http, self }: LiveMember): void {
  const isLink = http !== null && !self && /^https?:\/\//.test(http)
  if (isLink) setAttributes(name, { href: http })
  else name.removeAttribute('href')
}

function showButton(button: HTMLButtonElement, member: LiveMember, message: LiveMessage): void {
  const able = message.mayAct && !member.leader && member.suffrage === 'voter'
  const wanted = able && message.node.leader !== null
  // It keeps its place and the focus, whoever leads.
  setAttributes(button, { 'aria-disabled': `${!wanted}` })
  button.classList.toggle('hidden', !message.mayAct || member.suffrage !== 'voter')
  setText(button, member.leader ? 'Leads' : 'Make leader')
}

/** Without a leader nobody follows. */
export function roleOf({ leader, suffrage }: LiveMember, isLed: boolean): string {
  if (leader) return 'leader'
  return suffrage === 'voter' && isLed ? 'follower' : suffrage
}

const words: Partial<Record<LiveHealth['condition'], string>> = {
  lost: 'lost its state',
  unknown: 'not yet',
}

function heardOf({ health, self, leader }: LiveMember): string {
  if (health === null) return '–'
  if (health.condition === 'lost' || health.condition === 'unknown') {
    return words[health.condition] ?? ''
  }
  if (self && (leader || health.lastContactMs === 0)) return 'here'
  return health.lastContactMs === null ? 'never' : `${duration(health.lastContactMs)} ago`
}

function amount(count: number | null | undefined): string {
  return count === null || count === undefined ? '–' : whole(count)
}

function time(ms: number | null | undefined): string {
  return ms === null || ms === undefined ? '–' : duration(ms)
}
