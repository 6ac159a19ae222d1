import { CommandError } from '../fsm/state-machine.js'
import type { Outcome } from '../node/error-codes.js'
import { httpStatus, isRaftError, type RaftError } from '../node/errors.js'
import type { LeaderInfo } from '../node/types.js'
import { badRequest, HttpProblem, tooLarge, unsupportedMediaType } from './http-problem.js'

/** A leader as HTTP tells of it. `http` is null when the leader's list entry says none. */
export interface HttpLeader {
  readonly id: string
  readonly address: string
  readonly http: string | null
}

export interface ErrorBody {
  readonly error: {
    readonly code: string
    readonly message: string
    readonly outcome?: Outcome
    readonly leader?: HttpLeader
  }
  /** Of a batch: the operations whose conditions do not hold. */
  readonly failed?: readonly number[]
}

export interface HttpAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: ErrorBody
}

const conditionFailed = 'KV_CONDITION_FAILED'
const statusWhoseCallerMayRetry: ReadonlySet<number> = new Set([429, 503])

/** Whatever was thrown, as an answer. Null: a fault of this program, to be logged and told as 500. */
export function answerFor(thrown: unknown): HttpAnswer | null {
  // The service's own problems may bear a code of the library, and know their status themselves.
  if (isRaftError(thrown) && !(thrown instanceof HttpProblem)) return raftAnswer(thrown)
  const problem = problemOf(thrown)
  if (problem === null) return null
  return {
    status: problem.status,
    headers: retryHeaders(problem.status, problem.headers),
    body: {
      error: { code: problem.code, message: problem.message, ...rejectedIfTooLarge(problem) },
    },
  }
}

export const internalError: HttpAnswer = {
  status: 500,
  headers: {},
  body: {
    error: { code: 'HTTP_INTERNAL', message: 'this node has failed to answer; see its log' },
  },
}

/** Where to find the leader, from what a RaftNode says of it. */
export function httpLeader({ id, address, meta }: LeaderInfo): HttpLeader {
  return { id, address, http: meta.http ?? null }
}

function raftAnswer(error: RaftError): HttpAnswer {
  const { code, message, outcome, details } = error
  const failed = failedConditions(error)
  const status = failed === null ? raftStatus(error) : 412
  const leader = details.leader as Partial<LeaderInfo> | undefined
  return {
    status,
    headers: retryHeaders(status, indexHeader(details.index)),
    body: {
      error: {
        code,
        message,
        ...(outcome !== undefined && { outcome }),
        ...(isWhereToGo(leader) && { leader: httpLeader(leader) }),
      },
      ...(failed !== null && { failed }),
    },
  }
}

/** Some errors only name the leader that did not answer. */
function isWhereToGo(leader: Partial<LeaderInfo> | undefined): leader is LeaderInfo {
  return leader?.address !== undefined && leader.meta !== undefined
}

/** 503 always means certainly not applied, so what is committed and has lost its answer is not 503. */
function raftStatus(error: RaftError): number {
  const answerLost = error.outcome === 'committed' && error.code !== 'RAFT_COMMAND_REJECTED'
  return answerLost ? 504 : httpStatus(error)
}

function failedConditions(error: RaftError): readonly number[] | null {
  if (error.code !== 'RAFT_COMMAND_REJECTED' || error.details.code !== conditionFailed) return null
  return (error.details.details as { readonly failed: readonly number[] }).failed
}

function indexHeader(index: unknown): Record<string, string> {
  return typeof index === 'number' ? { 'troupe-index': String(index) } : {}
}

function retryHeaders(status: number, headers: Readonly<Record<string, string>>) {
  return statusWhoseCallerMayRetry.has(status) ? { ...headers, 'retry-after': '1' } : headers
}

function rejectedIfTooLarge(problem: HttpProblem): { readonly outcome?: Outcome } {
  return problem.code === 'RAFT_ENTRY_TOO_LARGE' ? { outcome: 'rejected' } : {}
}

function problemOf(thrown: unknown): HttpProblem | null {
  if (thrown instanceof HttpProblem) return thrown
  // Thrown where a command is encoded: it was never proposed.
  if (thrown instanceof CommandError) return new HttpProblem(400, thrown.code, thrown.message)
  return frameworkProblem(thrown)
}

/** What fastify itself refuses, in the words and codes of this interface. */
function frameworkProblem(thrown: unknown): HttpProblem | null {
  if (!(thrown instanceof Error) || !('statusCode' in thrown)) return null
  const { statusCode, message } = thrown
  if (statusCode === 413) return tooLarge()
  if (statusCode === 415)
    return unsupportedMediaType('send JSON with Content-Type: application/json')
  if (statusCode === 400) return badRequest(message)
  return null
}
