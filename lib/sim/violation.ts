/** A rule of Raft that a run has broken, with the numbers. */
export class SafetyViolation extends Error {
  readonly rule: string
  /** Virtual time at which it was found; null: at the end, or outside a run. */
  atMs: number | null = null

  constructor(rule: string, message: string) {
    super(`${rule}: ${message}`)
    this.name = 'SafetyViolation'
    this.rule = rule
  }
}

/** A livelock, or a replica that stays behind once nothing disturbs it any more. */
export class ConvergenceError extends Error {
  override readonly name = 'ConvergenceError'
}
