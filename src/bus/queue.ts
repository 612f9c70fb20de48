export interface Queue<T> {
  readonly size: number
  push(item: T): void
  shift(): T | undefined
  peek(): T | undefined
  clear(): void
}

/** First in, first out. A list alone would move everything at each step once it is long. */
export function createQueue<T>(): Queue<T> {
  let items: T[] = []
  let head = 0
  return {
    get size() {
      return items.length - head
    },
    push: (item) => void items.push(item),
    shift() {
      if (head === items.length) return undefined
      const item = items[head] as T
      items[head++] = undefined as T
      if (head === items.length) {
        items = []
        head = 0
      } else if (head > 1024 && head * 2 > items.length) {
        items = items.slice(head)
        head = 0
      }
      return item
    },
    peek: () => items[head],
    clear() {
      items = []
      head = 0
    },
  }
}
