import { timeOfDay, whole } from '../figures.js'
import type { LiveEvent, LiveMessage } from '../live-message.js'
import { byId, html } from './dom.js'

const shown = 100

/** The last events, newest first. */
export class EventList {
  readonly #list = byId('events')
  #startedAt = 0
  #last = 0

  constructor() {
    // Whoever has no pointer scrolls it with the keys.
    this.#list.tabIndex = 0
  }

  show({ node, events }: Pick<LiveMessage, 'node' | 'events'>): void {
    // A node that was started again counts from one again.
    if (node.startedAt !== this.#startedAt) this.#last = 0
    this.#startedAt = node.startedAt
    for (const event of events) {
      if (event.number <= this.#last) continue
      this.#last = event.number
      const newest = this.#list.firstElementChild
      if (event.times > 1 && newest?.getAttribute('data-text') === event.text) newest.remove()
      this.#list.prepend(lineOf(event))
    }
    while (this.#list.children.length > shown) this.#list.lastElementChild?.remove()
  }
}

function lineOf({ at, kind, level, text, times }: LiveEvent): HTMLLIElement {
  const time = html('time', { datetime: new Date(at).toISOString() }, timeOfDay(at))
  return html(
    'li',
    { 'data-level': level, 'data-text': text },
    time,
    html('span', { class: 'kind' }, kind),
    html('span', { class: 'text' }, times === 1 ? text : `${text} (${whole(times)} times)`),
  )
}
