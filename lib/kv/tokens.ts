import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { RaftError } from '../node/errors.js'

/** Equivalent tokens: during a rotation the new one and the old one. */
export type TokenList = readonly string[]

/** A token as it is, or the file that holds it: one a line, all of them valid, re-read by a reload. */
export type TokenSource = string | { readonly file: string }

const minCharacters = 16
const maxCharacters = 512
const maxTokens = 8

/**
 * The tokens of a source, none when there is no source.
 * @throws RaftError RAFT_CONFIG_INVALID; it never shows a token.
 */
export function readTokens(name: string, source: TokenSource | undefined): TokenList {
  if (source === undefined) return []
  if (typeof source === 'string') return checked(name, [source])
  try {
    return linesOf(name, source.file, readFileSync(source.file, 'utf8'))
  } catch (error) {
    throw unreadable(name, error)
  }
}

/** The same while a node runs: no thread waits for the disk. */
export async function loadTokens(
  name: string,
  source: TokenSource | undefined,
): Promise<TokenList> {
  if (source === undefined || typeof source === 'string') return readTokens(name, source)
  const text = await readFile(source.file, 'utf8').catch((error) =>
    Promise.reject(unreadable(name, error)),
  )
  return linesOf(name, source.file, text)
}

function linesOf(name: string, file: string, text: string): TokenList {
  const lines = text.split(/\r?\n/).map((line) => line.trim())
  return checked(
    `${name} in ${file}`,
    lines.filter((line) => line !== ''),
  )
}

function unreadable(name: string, error: unknown): RaftError {
  return error instanceof RaftError
    ? error
    : invalid(`${name} cannot be read: ${(error as Error).message}`)
}

function checked(name: string, tokens: TokenList): TokenList {
  if (tokens.length === 0) throw invalid(`${name} is empty`)
  if (tokens.length > maxTokens) {
    throw invalid(
      `${name} has ${tokens.length} lines; at most ${maxTokens} tokens are valid at once`,
    )
  }
  const good = tokens.every(
    (token) =>
      token.length >= minCharacters &&
      token.length <= maxCharacters &&
      /^[\w\-.~+/]+=*$/.test(token),
  )
  if (good) return tokens
  throw invalid(
    `${name} must have ${minCharacters} to ${maxCharacters} letters, digits or -._~+/ ` +
      '(openssl rand -hex 32 makes one)',
  )
}

function invalid(message: string): RaftError {
  return new RaftError('RAFT_CONFIG_INVALID', message)
}
