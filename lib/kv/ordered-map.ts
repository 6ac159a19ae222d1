import { assert } from '../core/assert.js'

/**
 * A map from strings to values, in the order of its keys: a B+ tree that is copied on write. `capture`
 * takes the whole map in constant time; afterwards each node is copied at its first change, so a
 * capture costs as much memory as is changed while it is held.
 */
export class OrderedMap<V> {
  #root: Node<V>
  #epoch = 0
  #size = 0

  constructor() {
    this.#root = { leaf: true, epoch: 0, keys: [], values: [] }
  }

  get size(): number {
    return this.#size
  }

  get(key: string): V | undefined {
    let node = this.#root
    while (!node.leaf) node = childOf(node, upperBound(node.keys, key))
    const at = lowerBound(node.keys, key)
    return node.keys[at] === key ? node.values[at] : undefined
  }

  set(key: string, value: V): void {
    const root = this.#own(this.#root)
    const right = this.#insert(root, key, value, true)
    this.#root =
      right === null
        ? root
        : { leaf: false, epoch: this.#epoch, keys: [right.separator], children: [root, right.node] }
  }

  /** False when there is no such key. */
  delete(key: string): boolean {
    if (this.get(key) === undefined) return false
    const root = this.#own(this.#root)
    this.#remove(root, key)
    this.#root = !root.leaf && root.children.length === 1 ? childOf(root, 0) : root
    this.#size--
    return true
  }

  /** The map as it is now, whatever is changed later. */
  capture(): OrderedCapture<V> {
    // From here on every node of the old epoch is shared with the capture.
    this.#epoch++
    const root = this.#root
    return { size: this.#size, from: (key, inclusive) => walkFrom(root, key, inclusive) }
  }

  /** Entries in order from `key` on (`key` itself only if `inclusive`). The map must not change meanwhile. */
  from(key: string, inclusive: boolean): IterableIterator<readonly [string, V]> {
    return walkFrom(this.#root, key, inclusive)
  }

  #own<N extends Node<V>>(node: N): N {
    if (node.epoch === this.#epoch) return node
    const { keys } = node
    return node.leaf
      ? { ...node, epoch: this.#epoch, keys: keys.slice(), values: node.values.slice() }
      : { ...node, epoch: this.#epoch, keys: keys.slice(), children: node.children.slice() }
  }

  /** Makes child `at` of an owned branch owned. */
  #ownChild(branch: Branch<V>, at: number): Node<V> {
    const child = this.#own(childOf(branch, at))
    branch.children[at] = child
    return child
  }

  #insert(node: Node<V>, key: string, value: V, rightmost: boolean): Split<V> | null {
    if (node.leaf) return this.#insertIntoLeaf(node, key, value, rightmost)
    const at = upperBound(node.keys, key)
    const last = rightmost && at === node.keys.length
    const right = this.#insert(this.#ownChild(node, at), key, value, last)
    if (right === null) return null
    node.keys.splice(at, 0, right.separator)
    node.children.splice(at + 1, 0, right.node)
    if (node.children.length <= maxWidth) return null
    return this.#split(node, last ? node.children.length - 2 : node.children.length >> 1)
  }

  #insertIntoLeaf(leaf: Leaf<V>, key: string, value: V, rightmost: boolean): Split<V> | null {
    const at = lowerBound(leaf.keys, key)
    if (leaf.keys[at] === key) {
      leaf.values[at] = value
      return null
    }
    leaf.keys.splice(at, 0, key)
    leaf.values.splice(at, 0, value)
    this.#size++
    if (leaf.keys.length <= maxWidth) return null
    // Keys that arrive in order (a restore, a sequence) leave full nodes behind them, not halves.
    const appended = rightmost && at === leaf.keys.length - 1
    return this.#split(leaf, appended ? at : leaf.keys.length >> 1)
  }

  /** Moves what lies from `at` on into a new node. */
  #split(node: Node<V>, at: number): Split<V> {
    const epoch = this.#epoch
    if (node.leaf) {
      const keys = node.keys.splice(at)
      const right: Leaf<V> = { leaf: true, epoch, keys, values: node.values.splice(at) }
      return { separator: keyAt(keys, 0), node: right }
    }
    const keys = node.keys.splice(at)
    const separator = keyAt(node.keys, at - 1)
    node.keys.length = at - 1
    return { separator, node: { leaf: false, epoch, keys, children: node.children.splice(at) } }
  }

  #remove(node: Node<V>, key: string): void {
    if (node.leaf) {
      const at = lowerBound(node.keys, key)
      assert(node.keys[at] === key, 'a key that was found is in its leaf', { key })
      node.keys.splice(at, 1)
      node.values.splice(at, 1)
      return
    }
    const at = upperBound(node.keys, key)
    const child = this.#ownChild(node, at)
    this.#remove(child, key)
    if (width(child) < minWidth) this.#rebalance(node, at === 0 ? 0 : at - 1)
  }

  /** Joins children `at` and `at + 1`, and parts them again in the middle when that is too much. */
  #rebalance(branch: Branch<V>, at: number): void {
    const left = this.#ownChild(branch, at)
    const right = childOf(branch, at + 1)
    join(left, right, keyAt(branch.keys, at))
    branch.keys.splice(at, 1)
    branch.children.splice(at + 1, 1)
    if (width(left) <= maxWidth) return
    const split = this.#split(left, width(left) >> 1)
    branch.keys.splice(at, 0, split.separator)
    branch.children.splice(at + 1, 0, split.node)
  }
}

/** An unchanging map. */
export interface OrderedCapture<V> {
  readonly size: number
  from(key: string, inclusive: boolean): IterableIterator<readonly [string, V]>
}

/** A node may be changed in place while its epoch is the map's; older ones belong to a capture too. */
interface Leaf<V> {
  readonly leaf: true
  readonly epoch: number
  readonly keys: string[]
  readonly values: V[]
}

/** Child i holds the keys from `keys[i - 1]` on and below `keys[i]`. */
interface Branch<V> {
  readonly leaf: false
  readonly epoch: number
  readonly keys: string[]
  readonly children: Node<V>[]
}

type Node<V> = Leaf<V> | Branch<V>

interface Split<V> {
  readonly separator: string
  readonly node: Node<V>
}

const maxWidth = 64
const minWidth = maxWidth / 4

function width(node: Node<unknown>): number {
  return node.leaf ? node.keys.length : node.children.length
}

/** Appends `right`, which is not changed, to `left`. */
function join<V>(left: Node<V>, right: Node<V>, separator: string): void {
  if (left.leaf && right.leaf) {
    left.keys.push(...right.keys)
    left.values.push(...right.values)
    return
  }
  assert(!left.leaf && !right.leaf, 'all leaves of the tree lie equally deep')
  left.keys.push(separator, ...right.keys)
  left.children.push(...right.children)
}

function* walkFrom<V>(
  root: Node<V>,
  key: string,
  inclusive: boolean,
): Generator<readonly [string, V], void, undefined> {
  // Branches on the way down, each with the child to visit next.
  const path: { readonly branch: Branch<V>; next: number }[] = []
  let node = root
  while (!node.leaf) {
    const at = upperBound(node.keys, key)
    path.push({ branch: node, next: at + 1 })
    node = childOf(node, at)
  }
  let at = inclusive ? lowerBound(node.keys, key) : upperBound(node.keys, key)
  for (;;) {
    for (; at < node.keys.length; at++) yield [keyAt(node.keys, at), node.values[at] as V]
    while (path.length > 0 && isDone(path[path.length - 1])) path.pop()
    const step = path[path.length - 1]
    if (step === undefined) return
    let below: Node<V> = childOf(step.branch, step.next++)
    while (!below.leaf) {
      path.push({ branch: below, next: 1 })
      below = childOf(below, 0)
    }
    node = below
    at = 0
  }
}

function isDone<V>(step: { readonly branch: Branch<V>; readonly next: number } | undefined) {
  return step !== undefined && step.next === step.branch.children.length
}

/** Index of the first key that is not below `key`. */
function lowerBound(keys: readonly string[], key: string): number {
  let low = 0
  let high = keys.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((keys[middle] as string) < key) low = middle + 1
    else high = middle
  }
  return low
}

/** Index of the first key above `key`. */
function upperBound(keys: readonly string[], key: string): number {
  let low = 0
  let high = keys.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((keys[middle] as string) <= key) low = middle + 1
    else high = middle
  }
  return low
}

function keyAt(keys: readonly string[], at: number): string {
  return keys[at] as string
}

function childOf<V>(branch: Branch<V>, at: number): Node<V> {
  return branch.children[at] as Node<V>
}
