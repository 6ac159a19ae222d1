import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { TransportError } from './errors.js'

/** Where certificate, key and authorities are found: each is PEM text, or the path of a PEM file. */
export interface CertificateSource {
  /** The node's own certificate, followed by intermediate ones where there are any. */
  readonly cert: string
  /** Its private key, not encrypted. */
  readonly key: string
  /** Certificates of the authorities that peers are signed by. */
  readonly ca?: string
}

/** What was read: PEM text, which may cross threads. */
export interface Credentials {
  readonly cert: string
  readonly key: string
  readonly ca: string | null
}

/**
 * Reads and checks them: key and certificate belong together, and the certificate is valid today.
 * `option` names them in errors.
 * @throws TransportError RAFT_CONFIG_INVALID naming the part, what was found and what to do
 */
export function readCredentials(option: string, source: CertificateSource): Credentials {
  if (typeof source !== 'object' || source === null) {
    throw invalid(`${option} must be { cert, key }, found ${String(source)}`)
  }
  const text = (part: 'cert' | 'key' | 'ca') => pemOf(`${option}.${part}`, source[part])
  const ca = source.ca === undefined ? null : text('ca')
  return checked(option, { cert: text('cert'), key: text('key'), ca })
}

/** The same while a node runs: no thread waits for the disk. */
export async function loadCredentials(
  option: string,
  { cert, key, ca }: CertificateSource,
): Promise<Credentials> {
  const load = async (part: string, source: string): Promise<string> => {
    if (isPem(source)) return source
    return readFile(source, 'utf8').catch((error) =>
      Promise.reject(unreadable(`${option}.${part}`, error)),
    )
  }
  const [certText, keyText, caText] = await Promise.all([
    load('cert', cert),
    load('key', key),
    ca === undefined ? null : load('ca', ca),
  ])
  return checked(option, { cert: certText, key: keyText, ca: caText })
}

/** What they say, checked: neither error nor log shows a key. */
function checked(option: string, credentials: Credentials): Credentials {
  const { cert, key, ca } = credentials
  const own = certificateIn(`${option}.cert`, cert)
  if (!own.checkPrivateKey(keyIn(`${option}.key`, key))) {
    throw invalid(`${option}.key is not the key of ${option}.cert (${own.subject})`)
  }
  checkDates(`${option}.cert`, own)
  if (ca !== null) for (const one of pemCertificates(ca)) certificateIn(`${option}.ca`, one)
  return credentials
}

export function sameCredentials(a: Credentials, b: Credentials): boolean {
  return a.cert === b.cert && a.key === b.key && a.ca === b.ca
}

function pemOf(part: string, source: unknown): string {
  if (typeof source !== 'string' || source === '') {
    throw invalid(`${part} must be PEM text or the path of a file, found ${typeof source}`)
  }
  if (isPem(source)) return source
  try {
    return readFileSync(source, 'utf8')
  } catch (error) {
    throw unreadable(part, error)
  }
}

function isPem(source: string): boolean {
  return source.includes('-----BEGIN ')
}

function certificateIn(part: string, pem: string): X509Certificate {
  try {
    return new X509Certificate(pem)
  } catch (error) {
    throw invalid(`${part} is no PEM certificate: ${(error as Error).message}`)
  }
}

function keyIn(part: string, pem: string): KeyObject {
  try {
    return createPrivateKey(pem)
  } catch (error) {
    // The error tells what kind of thing it is, and nothing of the key.
    throw invalid(`${part} is no PEM private key without a passphrase: ${(error as Error).message}`)
  }
}

/** Nobody would accept it, and each would say so in words that name the wrong node. */
function checkDates(part: string, { validFrom, validTo, subject }: X509Certificate): void {
  const now = Date.now()
  if (now < Date.parse(validFrom)) throw invalid(`${part} (${subject}) is valid from ${validFrom}`)
  if (now > Date.parse(validTo)) throw invalid(`${part} (${subject}) expired on ${validTo}`)
}

function pemCertificates(pem: string): readonly string[] {
  return pem.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [pem]
}

function unreadable(part: string, error: unknown): TransportError {
  return invalid(`${part} cannot be read: ${(error as Error).message}`)
}

function invalid(message: string): TransportError {
  return new TransportError('RAFT_CONFIG_INVALID', message)
}
