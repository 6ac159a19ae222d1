import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']

/** The same commands as in the README's section on security. */
function openssl(directory: string, ...args: readonly string[]): void {
  execFileSync('openssl', args, { cwd: directory, stdio: 'pipe' })
}

/** A certificate, its key, and the authority that signed it, as PEM text. */
export interface Certified {
  readonly cert: string
  readonly key: string
  readonly ca: string
}

/** An authority that signs certificates for tests. Files are named after what they are for. */
export class TestAuthority {
  readonly #directory: string
  readonly #name: string

  constructor(directory: string, name = 'ca') {
    this.#directory = directory
    this.#name = name
    const files = ['-keyout', `${name}.key`, '-out', `${name}.pem`]
    openssl(directory, 'req', '-x509', ...newKey, '-days', '3650', '-subj', `/CN=${name}`, ...files)
  }

  get caPath(): string {
    return join(this.#directory, `${this.#name}.pem`)
  }

  get ca(): string {
    return readFileSync(this.caPath, 'utf8')
  }

  /** `names` as OpenSSL writes them, e.g. `URI:troupe://orders/n1`. */
  issue(file: string, names: readonly string[]): Certified {
    openssl(
      this.#directory,
      ...['req', '-x509', ...newKey, '-days', '365'],
      ...['-CA', `${this.#name}.pem`, '-CAkey', `${this.#name}.key`, '-subj', `/CN=${file}`],
      ...(names.length === 0 ? [] : ['-addext', `subjectAltName=${names.join(',')}`]),
      ...['-addext', 'basicConstraints=critical,CA:FALSE'],
      ...['-keyout', `${file}.key`, '-out', `${file}.pem`],
    )
    return this.#read(file)
  }

  /** One whose time is over. */
  issueExpired(file: string): Certified {
    const signing = ['-CA', `${this.#name}.pem`, '-CAkey', `${this.#name}.key`, '-CAcreateserial']
    const request = ['-keyout', `${file}.key`, '-out', `${file}.csr`]
    openssl(this.#directory, 'req', '-new', ...newKey, '-subj', `/CN=${file}`, ...request)
    const files = ['-in', `${file}.csr`, '-out', `${file}.pem`]
    openssl(this.#directory, 'x509', '-req', ...files, ...signing, '-days', '-1')
    return this.#read(file)
  }

  path(file: string): string {
    return join(this.#directory, file)
  }

  #read(file: string): Certified {
    const text = (name: string) => readFileSync(join(this.#directory, name), 'utf8')
    return { cert: text(`${file}.pem`), key: text(`${file}.key`), ca: this.ca }
  }
}
