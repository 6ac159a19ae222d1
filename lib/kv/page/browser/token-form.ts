import { byId, setText } from './dom.js'
import { forgetToken, token, useToken } from './token.js'

/** Asks for a token where the node wants one. */
export class TokenForm {
  readonly #form = byId<HTMLFormElement>('token-form')
  readonly #field = byId<HTMLInputElement>('token')
  readonly #forget = byId<HTMLButtonElement>('token-forget')
  readonly #hint = byId('token-hint')

  /** `changed`: from now on requests bear another token, or none. */
  constructor(changed: () => void) {
    this.#form.addEventListener('submit', (event) => {
      event.preventDefault()
      useToken(this.#field.value.trim())
      this.#field.value = ''
      changed()
    })
    this.#forget.addEventListener('click', () => {
      forgetToken()
      changed()
    })
  }

  /** The node shows nothing without one. */
  wanted(reason: string): void {
    const first = this.#form.hidden
    this.#form.hidden = false
    this.#forget.hidden = token() === null
    const wrong = token() === null ? '' : `Not with this one: ${reason}. `
    const what = 'The data token shows this page, the admin token acts on it too.'
    setText(this.#hint, `${wrong}${what} It is kept in this tab only.`)
    if (first) this.#field.focus()
  }

  /** What there is may be shown; with `mayAct` also changed. */
  accepted(mayAct: boolean): void {
    const known = token() !== null
    // Without any token that acts the node is open to all, and there is nothing to ask for.
    this.#form.hidden = mayAct && !known
    this.#forget.hidden = !known
    const text = mayAct
      ? 'The admin token is in use.'
      : 'Read-only. The admin token hands over leadership and takes snapshots.'
    setText(this.#hint, `${text} It is kept in this tab only.`)
  }
}
