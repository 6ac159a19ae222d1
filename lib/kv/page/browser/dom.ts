/** The few things that are done to the document. Nothing here parses text as markup. */

type Attributes = Readonly<Record<string, string | number>>

const svgNamespace = 'http://www.w3.org/2000/svg'

export function byId<T extends Element = HTMLElement>(id: string): T {
  const found = document.getElementById(id)
  if (found === null) throw new Error(`the page has no element ${id}`)
  return found as unknown as T
}

export function html<K extends keyof HTMLElementTagNameMap>(
  name: K,
  attributes: Attributes = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(name)
  setAttributes(element, attributes)
  element.append(...children)
  return element
}

export function svg<K extends keyof SVGElementTagNameMap>(
  name: K,
  attributes: Attributes = {},
  ...children: (Node | string)[]
): SVGElementTagNameMap[K] {
  const element = document.createElementNS(svgNamespace, name)
  setAttributes(element, attributes)
  element.append(...children)
  return element
}

/** Touches only what differs: what stands still is not drawn or read out again. */
export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text
}

export function setAttributes(element: Element, attributes: Attributes): void {
  for (const [name, value] of Object.entries(attributes)) {
    if (element.getAttribute(name) !== `${value}`) element.setAttribute(name, `${value}`)
  }
}

/** Elements by key, made when a key first comes and taken away when it is gone; the others stay as they are. */
export class Keyed<Part extends { readonly root: Element }> {
  readonly #parent: Element
  readonly #make: (key: string) => Part
  readonly #parts = new Map<string, Part>()

  constructor(parent: Element, make: (key: string) => Part) {
    this.#parent = parent
    this.#make = make
  }

  /** The parts of these keys, in their order in the document. */
  keep(keys: readonly string[]): readonly Part[] {
    for (const [key, part] of this.#parts) {
      if (keys.includes(key)) continue
      part.root.remove()
      this.#parts.delete(key)
    }
    return keys.map((key, place) => {
      const part = this.#parts.get(key) ?? this.#make(key)
      this.#parts.set(key, part)
      if (this.#parent.children[place] !== part.root) {
        this.#parent.insertBefore(part.root, this.#parent.children[place] ?? null)
      }
      return part
    })
  }
}

/** An empty picture in the figure with this id, and who says in words what it shows. */
export function picture(id: string): { readonly root: SVGSVGElement; readonly figure: Element } {
  const figure = byId(id)
  const root = svg('svg', { role: 'img' })
  figure.append(root)
  return { root, figure }
}

/** Calls `draw` with the width of an element in CSS pixels, at once and whenever it changes. */
export function onWidth(element: Element, draw: (width: number) => void): void {
  let known = 0
  new ResizeObserver(([entry]) => {
    const width = Math.round(entry?.contentRect.width ?? 0)
    if (width === known || width === 0) return
    known = width
    draw(width)
  }).observe(element)
}

/** How fast batches are seen to flow: 0 not at all, then one step for each power of thirty or so. */
export function flowLevel(perS: number): number {
  if (perS <= 0) return 0
  return Math.min(4, 1 + Math.floor(Math.log10(1 + perS) / 1.3))
}
