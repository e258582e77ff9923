/** A node of the tree; `size` counts its subtree, so that ranks cost no walk. */
interface Node<T> {
  readonly item: T
  readonly weight: number
  left: Node<T> | undefined
  right: Node<T> | undefined
  size: number
}

const sizeOf = <T>(node: Node<T> | undefined): number => node?.size ?? 0

const resize = <T>(node: Node<T>): Node<T> => {
  node.size = 1 + sizeOf(node.left) + sizeOf(node.right)
  return node
}

const rotateRight = <T>(node: Node<T>, left: Node<T>): Node<T> => {
  node.left = left.right
  left.right = resize(node)
  return resize(left)
}

const rotateLeft = <T>(node: Node<T>, right: Node<T>): Node<T> => {
  node.right = right.left
  right.left = resize(node)
  return resize(right)
}

const merge = <T>(left: Node<T> | undefined, right: Node<T> | undefined): Node<T> | undefined => {
  if (left === undefined) return right
  if (right === undefined) return left
  if (left.weight < right.weight) {
    left.right = merge(left.right, right)
    return resize(left)
  }
  right.left = merge(left, right.left)
  return resize(right)
}

/**
 * A sorted set: a treap (Aragon and Seidel, 1989) that knows the size of each subtree. Adding, removing and ranking cost
 * O(log n). Its weights come from a fixed sequence, so that equal histories build equal trees.
 */
export class OrderedSet<T> {
  readonly #compare: (a: T, b: T) => number
  #root: Node<T> | undefined
  #sequence = 0x9e3779b9

  /** @param compare a strict total order: 0 only for one and the same item. What it reads must not change while an item is inside. */
  constructor(compare: (a: T, b: T) => number) {
    this.#compare = compare
  }

  get size(): number {
    return sizeOf(this.#root)
  }

  first(): T | undefined {
    let node = this.#root
    while (node?.left !== undefined) node = node.left
    return node?.item
  }

  /** Adds an item that is not inside. */
  add(item: T): void {
    this.#root = this.#insert(this.#root, { item, weight: this.#draw(), left: undefined, right: undefined, size: 1 })
  }

  /** Takes an item out; false when it was not inside. */
  delete(item: T): boolean {
    const before = this.size
    this.#root = this.#remove(this.#root, item)
    return this.size < before
  }

  /** How many items come before `item`. */
  rank(item: T): number {
    let node = this.#root
    let before = 0
    while (node !== undefined) {
      const order = this.#compare(item, node.item)
      if (order <= 0) {
        node = node.left
      } else {
        before += 1 + sizeOf(node.left)
        node = node.right
      }
    }
    return before
  }

  /** Items in order. The set must not change during the walk. */
  *[Symbol.iterator](): IterableIterator<T> {
    const path: Node<T>[] = []
    let node = this.#root
    while (node !== undefined || path.length > 0) {
      while (node !== undefined) {
        path.push(node)
        node = node.left
      }
      const next = path.pop()!
      yield next.item
      node = next.right
    }
  }

  #insert(node: Node<T> | undefined, added: Node<T>): Node<T> {
    if (node === undefined) return added
    if (this.#compare(added.item, node.item) < 0) {
      const left = this.#insert(node.left, added)
      node.left = left
      return left.weight < node.weight ? rotateRight(node, left) : resize(node)
    }
    const right = this.#insert(node.right, added)
    node.right = right
    return right.weight < node.weight ? rotateLeft(node, right) : resize(node)
  }

  #remove(node: Node<T> | undefined, item: T): Node<T> | undefined {
    if (node === undefined) return undefined
    const order = this.#compare(item, node.item)
    if (order === 0) return merge(node.left, node.right)
    if (order < 0) node.left = this.#remove(node.left, item)
    else node.right = this.#remove(node.right, item)
    return resize(node)
  }

  /** Marsaglia's xorshift32. */
  #draw(): number {
    let bits = this.#sequence
    bits ^= bits << 13
    bits ^= bits >>> 17
    bits ^= bits << 5
    this.#sequence = bits
    return bits >>> 0
  }
}
