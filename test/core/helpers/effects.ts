import type { AppendedBatch, Effect } from '../../../lib/core/effects.js'
import type { BatchSpan, Term } from '../../../lib/core/types.js'

/** What to expect of effects, and how to look at a few of them. */

type EffectOf<Kind extends Effect['kind']> = Extract<Effect, { kind: Kind }>

export function ofKind<Kind extends Effect['kind']>(
  effects: readonly Effect[],
  kind: Kind,
): readonly EffectOf<Kind>[] {
  return effects.filter((effect): effect is EffectOf<Kind> => effect.kind === kind)
}

/** The one effect of that kind. */
export function only<Kind extends Effect['kind']>(
  effects: readonly Effect[],
  kind: Kind,
): EffectOf<Kind> {
  const found = ofKind(effects, kind)
  if (found.length !== 1 || found[0] === undefined) {
    throw new Error(`expected one ${kind}, found ${JSON.stringify(effects)}`)
  }
  return found[0]
}

export function has(effects: readonly Effect[], kind: Effect['kind']): boolean {
  return effects.some((effect) => effect.kind === kind)
}

export function kinds(effects: readonly Effect[]): readonly Effect['kind'][] {
  return effects.map((effect) => effect.kind)
}

/** Without what tells observers only. */
export function deeds(effects: readonly Effect[]): readonly Effect[] {
  return effects.filter((effect) => effect.kind !== 'roleChanged')
}

/** The reply to a vote request, shortened to what decides. */
export function voteAnswer(effects: readonly Effect[]) {
  const { term, granted, reason } = only(effects, 'replyVote').reply
  return granted ? { term, granted } : { term, granted, reason }
}

export function received(
  span: BatchSpan,
  prevTerm: Term,
  position: number,
  token = 5,
): AppendedBatch {
  return { ...span, prevTerm, content: { kind: 'received', token, position } }
}
