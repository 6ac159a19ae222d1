import { bytes, whole } from '../figures.js'
import { problemOf } from './live-stream.js'
import { authorization } from './token.js'

/** What became of something that the viewer asked for, in words. */
export interface Done {
  readonly ok: boolean
  readonly text: string
}

export async function transferLeadership(to: string): Promise<Done> {
  return post('leadership', { to }, (answer) => {
    const { leader, term } = answer as { readonly leader: { id: string } | null; term: number }
    if (leader?.id === to) return { ok: true, text: `${to} leads term ${term}.` }
    return { ok: false, text: `${to} was asked to lead; ${leader?.id ?? 'nobody'} does.` }
  })
}

export async function takeSnapshot(): Promise<Done> {
  return post('snapshot', null, (answer) => {
    const { index, bytes: size } = answer as { readonly index: number; readonly bytes: number }
    return { ok: true, text: `Snapshot at index ${whole(index)}, ${bytes(size)}.` }
  })
}

async function post(path: string, body: object | null, told: (answer: unknown) => Done) {
  const json = body === null ? null : JSON.stringify(body)
  const type = json === null ? {} : { 'content-type': 'application/json' }
  try {
    const headers = { ...type, ...authorization() }
    const answer = await fetch(path, { method: 'POST', headers, body: json, cache: 'no-store' })
    if (!answer.ok) return { ok: false, text: sentence(await problemOf(answer)) }
    return told(await answer.json())
  } catch {
    return { ok: false, text: 'The node did not answer.' }
  }
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`
}
