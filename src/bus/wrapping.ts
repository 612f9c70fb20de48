/** Gives a wrapper the name and the length of what it wraps: a handler goes by the name of its function. */
export function dressAs<Wrapper extends (...args: never[]) => unknown>(
  wrapper: Wrapper,
  wrapped: (...args: never[]) => unknown,
): Wrapper {
  Object.defineProperty(wrapper, 'name', { value: wrapped.name, configurable: true })
  Object.defineProperty(wrapper, 'length', { value: wrapped.length, configurable: true })
  return wrapper
}
