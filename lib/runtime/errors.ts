/** The actor asked has exited, or exits before it answers. */
export class ActorGoneError extends Error {
  readonly code = 'ACTOR_GONE'
  override readonly name = 'ActorGoneError'
  readonly details: { readonly actor: string }

  constructor(actor: string) {
    super(`the actor ${actor} has exited; watch it with onExit and link to its successor`)
    this.details = { actor }
  }
}

/** The actor's behaviour has no `answer` method. */
export class ActorCannotAnswerError extends Error {
  readonly code = 'ACTOR_CANNOT_ANSWER'
  override readonly name = 'ActorCannotAnswerError'
  readonly details: { readonly actor: string; readonly kind: string }

  constructor(actor: string, kind: string) {
    super(`the actor ${actor} was asked '${kind}' but its behaviour has no answer method`)
    this.details = { actor, kind }
  }
}

/** The actor was killed, on request or because it did not stop within its deadline. */
export class ActorKilledError extends Error {
  readonly code = 'ACTOR_KILLED'
  override readonly name = 'ActorKilledError'
  readonly details: { readonly actor: string }

  constructor(actor: string, why: string) {
    super(`the actor ${actor} was killed: ${why}`)
    this.details = { actor }
  }
}

/** The actor's thread ended although nobody asked it to. */
export class ActorThreadExitError extends Error {
  readonly code = 'ACTOR_THREAD_EXIT'
  override readonly name = 'ActorThreadExitError'
  readonly details: { readonly actor: string; readonly exitCode: number }

  constructor(actor: string, exitCode: number) {
    super(
      `the thread of actor ${actor} ended by itself with exit code ${exitCode}; ` +
        'code on it must not call process.exit',
    )
    this.details = { actor, exitCode }
  }
}

/** An actor was spawned, or linked, in a way that cannot work. */
export class ActorUsageError extends Error {
  readonly code = 'ACTOR_USAGE'
  override readonly name = 'ActorUsageError'
}
