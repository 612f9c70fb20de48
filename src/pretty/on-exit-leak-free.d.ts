/** The package has no types of its own. */
declare module 'on-exit-leak-free' {
  const onExit: {
    register<T extends object>(object: T, listener: (object: T, event: string) => void): void
    unregister(object: object): void
  }
  export default onExit
}
