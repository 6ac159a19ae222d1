import { write as writeCallback } from 'node:fs'
import { promisify } from 'node:util'

const write = promisify(writeCallback)

/** Writes all of the bytes while other code runs. They must not change meanwhile. */
export async function backgroundWrite(
  descriptor: number,
  bytes: Uint8Array,
  position: number,
): Promise<void> {
  for (let done = 0; done < bytes.byteLength; ) {
    const rest = bytes.byteLength - done
    // It may take less than it was given, most often because there is no room for the rest.
    done += (await write(descriptor, bytes, done, rest, position + done)).bytesWritten
  }
}
