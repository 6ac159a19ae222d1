/** The accesses of the production code's ports (S8): pins and shared words alike. */
export interface ExploredPort {
  load(word: number): number
  store(word: number, value: number): void
  /** Returns the value before the addition. */
  add(word: number, delta: number): number
}

/** One actor's code: without effect but on the port, and always the same for the same loads. */
export type ExploredActor<R> = (port: ExploredPort) => R

interface Access {
  readonly kind: 'load' | 'store' | 'add'
  readonly word: number
  readonly operand: number
}

/** How far an actor has come: what its accesses gave so far, and its next one or its result. */
interface Progress<R> {
  readonly answers: readonly number[]
  readonly next: Access | null
  readonly result: R | null
}

/**
 * Runs the actors in every order in which their single accesses to `memory` can follow each other, and calls
 * `visit` for every way in which that can end. Returns how many states there are in between: orders that lead
 * to the same state go on alike and are followed once.
 *
 * No code is suspended: to make its next access an actor is run again from its beginning, its earlier
 * accesses are answered as they were, and the first new one breaks the run off.
 */
export function everyInterleaving<R extends readonly unknown[]>(
  memory: readonly number[],
  actors: { readonly [K in keyof R]: ExploredActor<R[K]> },
  visit: (results: R, memory: readonly number[]) => void,
): number {
  const known = new Set<string>()
  const follow = (words: readonly number[], states: readonly Progress<unknown>[]): void => {
    const key = JSON.stringify([words, states.map(({ answers }) => answers)])
    if (known.has(key)) return
    known.add(key)
    if (states.every(({ next }) => next === null)) {
      return visit(states.map(({ result }) => result) as unknown as R, words)
    }
    states.forEach((state, which) => {
      if (state.next === null) return
      const after = [...words]
      const answer = carryOut(after, state.next)
      const moved = advance(actors[which] as ExploredActor<unknown>, [...state.answers, answer])
      follow(after, states.with(which, moved))
    })
  }
  follow(
    memory,
    actors.map((actor) => advance(actor as ExploredActor<unknown>, [])),
  )
  return known.size
}

function carryOut(memory: number[], { kind, word, operand }: Access): number {
  const before = memory[word] ?? 0
  if (kind === 'store') memory[word] = operand
  if (kind === 'add') memory[word] = before + operand
  return before
}

/** Thrown at an access that has no answer yet. */
class Pause {
  readonly access: Access

  constructor(access: Access) {
    this.access = access
  }
}

function advance<R>(actor: ExploredActor<R>, answers: readonly number[]): Progress<R> {
  let made = 0
  const access = (kind: Access['kind'], word: number, operand: number): number => {
    const answer = answers[made++]
    if (answer === undefined) throw new Pause({ kind, word, operand })
    return answer
  }
  try {
    const result = actor({
      load: (word) => access('load', word, 0),
      store: (word, value) => void access('store', word, value),
      add: (word, delta) => access('add', word, delta),
    })
    return { answers, next: null, result }
  } catch (thrown) {
    if (!(thrown instanceof Pause)) throw thrown
    return { answers, next: thrown.access, result: null }
  }
}
