/** Items, or branches, that one node holds at most; at a quarter of that it joins its neighbour. */
const FULL = 32
const SPARSE = FULL / 4

/** A node of the tree: a leaf holds items in order; a branch holds children in order, and in `items` the first item below each of them. */
interface Node<T> {
  readonly items: T[]
  readonly children: Node<T>[] | undefined
  /** Items below it. */
  size: number
}

const insertAt = <T>(list: T[], at: number, item: T): void => {
  for (let place = list.push(item) - 1; place > at; place--) list[place] = list[place - 1]!
  list[at] = item
}

/** As `splice` does, which would allocate a list for what it removes. */
const removeAt = <T>(list: T[], at: number): void => {
  for (let place = at + 1; place < list.length; place++) list[place - 1] = list[place]!
  list.pop()
}

const countBelow = <T>(nodes: readonly Node<T>[]): number => nodes.reduce((sum, { size }) => sum + size, 0)

/** Moves the items from `at` on into a node of their own. */
const split = <T>(node: Node<T>, at: number): Node<T> => {
  const items = node.items.splice(at)
  const children = node.children?.splice(at)
  const right = { items, children, size: children === undefined ? items.length : countBelow(children) }
  node.size -= right.size
  return right
}

/** Shows a changed child in its branch: in two when it is full, joined with its neighbour when few are left in it. */
const adjust = <T>(branch: Node<T>, at: number): void => {
  const { items, children } = branch
  const child = children![at]!
  const neighbour = children!.length === 1 ? undefined : children![at === 0 ? 1 : at - 1]!
  if (neighbour !== undefined && child.items.length < SPARSE) {
    const [left, right] = at === 0 ? [child, neighbour] : [neighbour, child]
    left.items.push(...right.items)
    left.children?.push(...right.children!)
    left.size += right.size
    removeAt(items, Math.max(at, 1))
    removeAt(children!, Math.max(at, 1))
    return adjust(branch, Math.max(at - 1, 0))
  }
  items[at] = child.items[0]!
  if (child.items.length <= FULL) return
  const right = split(child, child.items.length >> 1)
  insertAt(items, at + 1, right.items[0]!)
  insertAt(children!, at + 1, right)
}

function* walk<T>({ items, children }: Node<T>): Generator<T, void> {
  if (children === undefined) yield* items
  else for (const child of children) yield* walk(child)
}

/**
 * A sorted set: a B+ tree (Bayer and McCreight, 1972) that knows the size of each subtree. Adding, removing and ranking cost O(log n), the
 * first item is at hand. Neighbours lie side by side, so that even a large set touches little memory, and adding allocates nothing but
 * when a node is full.
 */
export class OrderedSet<T> {
  readonly #compare: (a: T, b: T) => number
  #root: Node<T> = { items: [], children: undefined, size: 0 }

  /** @param compare a strict total order: 0 only for one and the same item. What it reads must not change while an item is inside. */
  constructor(compare: (a: T, b: T) => number) {
    this.#compare = compare
  }

  get size(): number {
    return this.#root.size
  }

  first(): T | undefined {
    return this.#root.items[0]
  }

  /** Adds an item that is not inside. */
  add(item: T): void {
    const root = this.#root
    this.#insert(root, item)
    if (root.items.length <= FULL) return
    const size = root.size
    const right = split(root, root.items.length >> 1)
    this.#root = { items: [root.items[0]!, right.items[0]!], children: [root, right], size }
  }

  /** Takes an item out; false when it was not inside. */
  delete(item: T): boolean {
    const found = this.#remove(this.#root, item)
    if (this.#root.children?.length === 1) this.#root = this.#root.children[0]!
    return found
  }

  /** How many items come before `item`. */
  rank(item: T): number {
    let before = 0
    let node = this.#root
    while (node.children !== undefined) {
      const below = this.#below(node, item)
      for (let at = 0; at < below; at++) before += node.children[at]!.size
      node = node.children[below]!
    }
    const upTo = this.#upTo(node, item)
    const inside = upTo > 0 && this.#compare(node.items[upTo - 1]!, item) === 0
    return before + upTo - (inside ? 1 : 0)
  }

  /** Items in order. The set must not change during the walk. */
  [Symbol.iterator](): IterableIterator<T> {
    return walk(this.#root)
  }

  #insert(node: Node<T>, item: T): void {
    node.size++
    if (node.children === undefined) {
      insertAt(node.items, this.#upTo(node, item), item)
      return
    }
    const below = this.#below(node, item)
    this.#insert(node.children[below]!, item)
    adjust(node, below)
  }

  #remove(node: Node<T>, item: T): boolean {
    if (node.children === undefined) {
      const at = this.#upTo(node, item) - 1
      if (at < 0 || this.#compare(node.items[at]!, item) !== 0) return false
      removeAt(node.items, at)
    } else {
      const below = this.#below(node, item)
      if (!this.#remove(node.children[below]!, item)) return false
      adjust(node, below)
    }
    node.size--
    return true
  }

  /** Which child holds the item, or should. */
  #below(branch: Node<T>, item: T): number {
    return Math.max(this.#upTo(branch, item) - 1, 0)
  }

  /** How many of the node's items come before `item` or are it. */
  #upTo({ items }: Node<T>, item: T): number {
    let low = 0
    let high = items.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.#compare(items[middle]!, item) <= 0) low = middle + 1
      else high = middle
    }
    return low
  }
}
