/** A replacement in the compiled code. `find` must be there, exactly. */
export interface Edit {
  /** Path below the build folder. */
  readonly file: string
  readonly find: string
  readonly replace: string
}

/** A mistake that somebody might make; the simulator must notice it. */
export interface PlantedBug {
  readonly name: string
  readonly edits: readonly Edit[]
}
