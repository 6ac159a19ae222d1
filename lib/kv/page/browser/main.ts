import { duration, rate } from '../figures.js'
import type { LiveMessage, LiveSample } from '../live-message.js'
import { type Done, takeSnapshot, transferLeadership } from './actions.js'
import { ClusterPicture } from './cluster-picture.js'
import { byId, setAttributes, setText } from './dom.js'
import { EventList } from './event-list.js'
import { Headline } from './headline.js'
import { type Contact, LiveStream } from './live-stream.js'
import { MemberTable } from './member-table.js'
import { Plot } from './plot.js'
import { StageTable } from './stage-table.js'
import { TokenForm } from './token-form.js'
import { TroupePicture } from './troupe-picture.js'

/** The page: what the node tells every second, on its way to the parts that show it. */

const headline = new Headline()
const cluster = new ClusterPicture()
const troupe = new TroupePicture()
const events = new EventList()
const stages = new StageTable()
const members = new MemberTable((id) => void transfer(id))
const main = byId('main')
const snapshotButton = byId<HTMLButtonElement>('snapshot')

const plots = [
  new Plot({
    id: 'throughput',
    series: [{ name: 'committed', value: ({ committedPerS }) => committedPerS }],
    format: rate,
    leastTop: 10,
    now: (sample) => ({
      value: rate(sample?.committedPerS ?? 0),
      unit: 'entries committed a second',
    }),
  }),
  new Plot({
    id: 'latency',
    series: [
      { name: 'p50', value: ({ writeP50Ms }) => writeP50Ms },
      { name: 'p99', value: ({ writeP99Ms }) => writeP99Ms },
    ],
    format: duration,
    leastTop: 5,
    now: latencyOf,
  }),
]

const stream = new LiveStream({ message: show, contact: showContact })
const tokens = new TokenForm(() => stream.restart())

snapshotButton.addEventListener('click', () => void snapshot())

function show(message: LiveMessage): void {
  main.hidden = false
  headline.show(message)
  cluster.show(message)
  members.show(message)
  for (const plot of plots) plot.add(message.samples)
  troupe.show(message)
  stages.show(message)
  events.show(message)
  tokens.accepted(message.mayAct)
  snapshotButton.classList.toggle('hidden', !message.mayAct)
}

function showContact(contact: Contact): void {
  headline.contact(contact)
  if (contact.kind !== 'refused' || !contact.token) return
  main.hidden = true
  tokens.wanted(contact.reason)
}

async function transfer(id: string): Promise<void> {
  await act('leadership-result', `Handing over to ${id} …`, () => transferLeadership(id))
}

async function snapshot(): Promise<void> {
  if (snapshotButton.getAttribute('aria-disabled') === 'true') return
  setAttributes(snapshotButton, { 'aria-disabled': 'true' })
  await act('snapshot-result', 'Taking a snapshot …', takeSnapshot)
  setAttributes(snapshotButton, { 'aria-disabled': 'false' })
}

/** Says that it is being done, then what became of it. */
async function act(where: string, doing: string, work: () => Promise<Done>): Promise<void> {
  const result = byId(where)
  setAttributes(result, { 'data-level': 'none' })
  setText(result, doing)
  const { ok, text } = await work()
  setAttributes(result, { 'data-level': ok ? 'ok' : 'bad' })
  setText(result, text)
}

function latencyOf(sample: LiveSample | undefined) {
  const { writeP50Ms = null, writeP99Ms = null } = sample ?? {}
  if (writeP50Ms === null || writeP99Ms === null) {
    return { value: '–', unit: 'no writes through this node now' }
  }
  return { value: duration(writeP50Ms), unit: `median, ${duration(writeP99Ms)} at p99` }
}
