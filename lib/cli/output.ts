/** A line on standard output: what the command was asked for. */
export function printLine(line: string): void {
  process.stdout.write(`${line}\n`)
}

/** A line on standard error: what people should know besides. */
export function noteLine(line: string): void {
  process.stderr.write(`${line}\n`)
}

/** Where a node can be reached, as `troupe serve` and `troupe dev` print it. */
export interface NodeLine {
  readonly id: string
  /** `http://host:port`. */
  readonly http: string
  /** `host:port`. */
  readonly raft: string
  readonly pid: number
}

/** What `serve --json` and `dev --json` print, one object a line. */
export type OutputEvent =
  | ({ readonly event: 'node' } & NodeLine)
  /** Reads and writes succeed. */
  | { readonly event: 'ready'; readonly leader: string }
  /** `serve` only: whom the node takes for the leader. */
  | { readonly event: 'leader'; readonly leader: string | null; readonly term: number }
  /** `serve --join` only: the cluster has taken the node as a voter. */
  | { readonly event: 'joined'; readonly through: string; readonly index: number }
  /** `serve` only: how far a replay (entries), a restore or an install (bytes) has come; once a second at most. */
  | {
      readonly event: 'progress'
      readonly what: 'replay' | 'restore' | 'install'
      readonly done: number
      readonly total: number
    }
  /** `dev` only: a node's process has ended by itself. */
  | {
      readonly event: 'exit'
      readonly id: string
      readonly pid: number
      readonly code: number | null
      readonly signal: string | null
      /** What starts it again. */
      readonly command: string
    }

export function printEvent(event: OutputEvent, json: boolean): void {
  if (json) printLine(JSON.stringify(event))
  else if (event.event === 'node') printLine(formatNode(event))
  else if (event.event === 'joined') {
    printLine(`joined through ${event.through} (configuration ${event.index})`)
  } else if (event.event === 'ready') printLine(`ready leader=${event.leader}`)
}

function formatNode({ id, http, raft, pid }: NodeLine): string {
  return `${id} ${http} raft ${raft} pid ${pid}`
}
