import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { accessSync, constants } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'

/** A real browser, driven by the DevTools protocol over two pipes: messages of JSON, each ended by a zero. */

const usualPlaces = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/usr/bin/google-chrome-stable',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
]

/** Null: none is installed where one is looked for. */
export function browserPath(): string | null {
  const { CHROME_PATH } = process.env
  const places = CHROME_PATH === undefined ? usualPlaces : [CHROME_PATH]
  return places.find(isExecutable) ?? null
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

const flags = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--disable-dev-shm-usage',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-extensions',
  '--disable-sync',
  '--hide-scrollbars',
  '--remote-debugging-pipe',
]

interface Message {
  readonly id?: number
  readonly method?: string
  readonly params?: Record<string, unknown>
  readonly sessionId?: string
  readonly result?: Record<string, unknown>
  readonly error?: { readonly message: string }
}

interface Answer {
  readonly resolve: (result: Record<string, unknown>) => void
  readonly reject: (error: Error) => void
}

export class Browser {
  readonly #process: ChildProcess
  readonly #dir: string
  readonly #answers = new Map<number, Answer>()
  readonly #listeners = new Map<string, (message: Message) => void>()
  #next = 1

  private constructor(process: ChildProcess, dir: string) {
    this.#process = process
    this.#dir = dir
    let rest = ''
    const output = process.stdio[4] as Readable
    output.setEncoding('utf8').on('data', (text: string) => {
      const parts = `${rest}${text}`.split('\0')
      rest = parts.pop() ?? ''
      for (const part of parts) this.#take(JSON.parse(part) as Message)
    })
    process.once('exit', () => {
      for (const { reject } of this.#answers.values()) reject(new Error('the browser has ended'))
    })
    // What is written to a browser that has ended is told by the answer that never comes.
    process.stdio[3]?.on('error', () => {})
  }

  static async start(path: string): Promise<Browser> {
    const dir = await mkdtemp(join(tmpdir(), 'troupe-browser-'))
    const stdio = ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] as const
    const child = spawn(path, [...flags, `--user-data-dir=${dir}`], { stdio: [...stdio] })
    return new Browser(child, dir)
  }

  /** A tab of its own that shows nothing yet. */
  async tab(): Promise<Tab> {
    const { targetId } = await this.send('Target.createTarget', { url: 'about:blank' })
    const attached = await this.send('Target.attachToTarget', { targetId, flatten: true })
    const sessionId = attached.sessionId as string
    const tab = new Tab((method, params) => this.send(method, params, sessionId))
    this.#listeners.set(sessionId, (message) => tab.heard(message.method ?? '', message.params))
    await tab.open()
    return tab
  }

  async close(): Promise<void> {
    const exited = once(this.#process, 'exit')
    this.#process.kill('SIGKILL')
    await exited
    await rm(this.#dir, { recursive: true, force: true, maxRetries: 5 })
  }

  send(method: string, params: object = {}, sessionId?: string): Promise<Record<string, unknown>> {
    const id = this.#next++
    const input = this.#process.stdio[3] as Writable
    return new Promise((resolve, reject) => {
      this.#answers.set(id, { resolve, reject })
      input.write(`${JSON.stringify({ id, method, params, sessionId })}\0`)
    })
  }

  #take(message: Message): void {
    const { id, error, result = {}, sessionId } = message
    if (id === undefined) {
      if (sessionId !== undefined) this.#listeners.get(sessionId)?.(message)
      return
    }
    const answer = this.#answers.get(id)
    this.#answers.delete(id)
    if (error === undefined) answer?.resolve(result)
    else answer?.reject(new Error(error.message))
  }
}

type Send = (method: string, params?: object) => Promise<Record<string, unknown>>

export interface View {
  readonly width: number
  readonly height: number
  readonly scheme: 'light' | 'dark'
}

export class Tab {
  /** What the page complained of: errors, refused by its policy, failed requests. */
  readonly complaints: string[] = []
  readonly #send: Send

  constructor(send: Send) {
    this.#send = send
  }

  async open(): Promise<void> {
    for (const domain of ['Page', 'Runtime', 'Log', 'Audits']) await this.#send(`${domain}.enable`)
  }

  heard(method: string, params: Record<string, unknown> = {}): void {
    const found = {
      'Runtime.exceptionThrown': params.exceptionDetails,
      'Log.entryAdded': params.entry,
      'Audits.issueAdded': params.issue,
    }[method]
    const isError = method === 'Runtime.consoleAPICalled' && params.type === 'error'
    if (found !== undefined || isError) this.complaints.push(JSON.stringify(found ?? params.args))
  }

  async look({ width, height, scheme }: View): Promise<void> {
    const size = { width, height, deviceScaleFactor: 1, mobile: false }
    await this.#send('Emulation.setDeviceMetricsOverride', size)
    const features = [
      { name: 'prefers-color-scheme', value: scheme },
      { name: 'prefers-reduced-motion', value: 'reduce' },
    ]
    await this.#send('Emulation.setEmulatedMedia', { features })
  }

  async go(url: string): Promise<void> {
    await this.#send('Page.navigate', { url })
  }

  /** What an expression gives, or the promise that it gives. */
  async ask<T>(expression: string): Promise<T> {
    const asked = { expression, awaitPromise: true, returnByValue: true }
    const { result, exceptionDetails } = await this.#send('Runtime.evaluate', asked)
    if (exceptionDetails !== undefined) throw new Error(JSON.stringify(exceptionDetails))
    return (result as { readonly value: T }).value
  }

  /** Resolves with the value of an expression once that is true, looked at whenever the page changes. */
  async until<T>(expression: string): Promise<T> {
    return this.ask(`new Promise((resolve) => {
      const look = () => {
        const value = (() => { try { return ${expression} } catch { return null } })()
        if (value) { watch.disconnect(); resolve(value) }
      }
      const watch = new MutationObserver(look)
      watch.observe(document, { subtree: true, childList: true, attributes: true, characterData: true })
      look()
    })`)
  }

  async press(key: 'Tab' | 'Enter'): Promise<void> {
    const code = key === 'Tab' ? 9 : 13
    const event = { key, code: key, windowsVirtualKeyCode: code }
    const text = key === 'Enter' ? { text: '\r' } : {}
    await this.#send('Input.dispatchKeyEvent', { type: 'keyDown', ...event, ...text })
    await this.#send('Input.dispatchKeyEvent', { type: 'keyUp', ...event })
  }

  /** Into what has the focus, as a paste would. */
  async type(text: string): Promise<void> {
    await this.#send('Input.insertText', { text })
  }

  /** A PNG of what is seen, or of the whole page. */
  async picture({ whole = false } = {}): Promise<Buffer> {
    const asked = { format: 'png', captureBeyondViewport: whole }
    const { data } = await this.#send('Page.captureScreenshot', asked)
    return Buffer.from(data as string, 'base64')
  }
}
