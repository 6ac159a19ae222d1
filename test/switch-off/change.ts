/** One behaviour that is taken away, and the test that must notice. */
export interface SwitchOff {
  /** A row of the tables in test/README.md. */
  readonly row: string
  /** What is missing when it is off. */
  readonly off: string
  /** Below dist/, of the build. */
  readonly file: string
  /** Exactly once in that file. */
  readonly text: string
  readonly instead: string
  /** Below test/, without .test.ts. */
  readonly test: string
  /** The test that must fail. */
  readonly name: string
}
