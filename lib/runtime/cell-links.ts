import { assertNever } from '../core/assert.js'
import type { Behavior, Message } from './actor.js'
import type { LinkChange, LinkRef } from './letter.js'

/** The links that one actor has, by name. */
export class CellLinks {
  readonly #links = new Map<string, LinkRef>()

  /** Announces a link or its end. A ref that was replaced, or leads nowhere any more, is closed. */
  change<M extends Message>(change: LinkChange, behavior: Behavior<M> | null): void {
    this.#links.get(change.name)?.close()
    switch (change.kind) {
      case 'link':
        this.#links.set(change.name, change.ref)
        behavior?.linked?.(change.name, change.ref)
        return
      case 'unlink':
        this.#links.delete(change.name)
        behavior?.unlinked?.(change.name)
        return
      default:
        assertNever(change)
    }
  }

  closeAll(): void {
    for (const link of this.#links.values()) link.close()
    this.#links.clear()
  }
}
