import { duration, timeOfDay, whole } from '../figures.js'
import type { Level, LiveMessage } from '../live-message.js'
import { byId, html, setAttributes, setText } from './dom.js'
import type { Contact } from './live-stream.js'

const marks: Readonly<Record<Level | 'none', string>> = {
  ok: 'M6.5 10.2 9 12.7l4.6-5',
  warn: 'M10 5.5v5.5M10 14v.2',
  bad: 'M7 7l6 6M13 7l-6 6',
  none: '',
}

const roles = {
  follower: 'follows',
  preCandidate: 'stands for election',
  candidate: 'stands for election',
  leader: 'leads',
  closed: 'is closed',
} as const

interface Statement {
  readonly level: Level | 'none'
  /** What is read out again only when it changes. */
  readonly key: string
  readonly texts: readonly string[]
}

/** Who this node is, and the sentences that say how things stand. */
export class Headline {
  readonly #verdict = byId('verdict')
  readonly #texts = byId('verdict-texts')
  readonly #spoken = byId('spoken')
  #key = ''
  #id = 'the node'
  #at: number | null = null

  show(message: LiveMessage): void {
    const { node, verdicts, at } = message
    this.#id = node.id
    this.#at = at
    document.title = `${node.id} ${roles[node.state]} · ${node.cluster}`
    setText(byId('node-id'), node.id)
    setText(byId('node-role'), roles[node.state])
    setText(byId('term'), whole(node.term))
    setText(byId('cluster-name'), node.cluster)
    setText(byId('release'), node.version)
    setText(byId('clock'), timeOfDay(at))
    this.#state({
      level: verdicts[0]?.level ?? 'ok',
      key: verdicts.map(({ key }) => key).join(),
      texts: verdicts.map(({ text }) => text),
    })
  }

  /** Instead of what the node said last, which may be true no more. */
  contact(contact: Contact): void {
    document.body.classList.toggle('stale', contact.kind !== 'live')
    switch (contact.kind) {
      case 'live':
        return
      case 'refused':
        this.#state(refusal(contact))
        return
      case 'silent':
        if (contact.sinceMs === null) return
        this.#state(this.#silence(contact.sinceMs))
    }
  }

  #silence(sinceMs: number): Statement {
    const asOf = this.#at === null ? '' : ` What is shown is as of ${timeOfDay(this.#at)}.`
    const text = `${this.#id} stopped answering ${duration(Math.floor(sinceMs / 1000) * 1000)} ago.${asOf}`
    return { level: 'bad', key: 'stopped', texts: [text, 'This page keeps asking.'] }
  }

  #state({ level, key, texts }: Statement): void {
    setAttributes(this.#verdict, { 'data-level': level })
    const mark = this.#verdict.querySelector('path')
    if (mark !== null) setAttributes(mark, { d: marks[level] })
    while (this.#texts.children.length > texts.length) this.#texts.lastElementChild?.remove()
    texts.forEach((text, place) => {
      const line = this.#texts.children[place] ?? this.#texts.appendChild(html('li'))
      setText(line, text)
    })
    // Numbers move every second; only news is read out.
    if (key !== this.#key) setText(this.#spoken, texts.join(' '))
    this.#key = key
  }
}

function refusal({ token, reason }: Extract<Contact, { kind: 'refused' }>): Statement {
  const text = token ? 'This node shows itself to those who have a token.' : `Not shown: ${reason}.`
  return { level: 'warn', key: text, texts: [text] }
}
