import type { CodecSpec } from './spec.js'
import type { Codec } from './state-machine.js'

/** A codec that ships with the library and is known by its name on every thread. */
export interface NamedCodec<T> extends Codec<T> {
  readonly name: 'json'
}

/**
 * A codec as `stateMachine()` takes it. One of your own is given as the URL of a module that exports
 * `codec`, because functions cannot be sent to the state machine's thread.
 */
export type CodecOption<T> = NamedCodec<T> | { readonly module: URL | string }

/** Commands as they are. */
export const bytesCodec: Codec<Uint8Array> = {
  encode(value) {
    if (value instanceof Uint8Array) return value
    throw new TypeError(
      `a command without a codec is a Uint8Array, found ${describe(value)}: give the state machine a codec, e.g. jsonCodec()`,
    )
  },
  decode: (bytes) => bytes,
}

/** Commands as JSON text. They come out as JSON.parse makes them: no Date, Map or undefined. */
export function jsonCodec<T>(): NamedCodec<T> {
  return {
    name: 'json',
    encode(value) {
      const text: string | undefined = JSON.stringify(value)
      if (text !== undefined) return Buffer.from(text)
      throw new TypeError(`a JSON command is a JSON value, found ${describe(value)}`)
    },
    decode: (bytes) =>
      JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString()) as T,
  }
}

/** The form of a codec that crosses threads; `loadCodec` turns it back. */
export function codecSpec(option: CodecOption<unknown> | undefined): CodecSpec {
  if (option === undefined) return { kind: 'bytes' }
  if ('module' in option) return { kind: 'module', module: String(option.module) }
  return { kind: option.name }
}

function describe(value: unknown): string {
  return value === null ? 'null' : `a value of type ${typeof value}`
}
