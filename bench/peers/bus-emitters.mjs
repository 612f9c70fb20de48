// The bus, and the emitters it is compared to.

/** Each loads what it needs. Listeners get an event that has the data from those that are `wrapping`, else the data. */
export const EMITTERS = {
  async eventsets() {
    const { EventBus } = await import('eventsets/bus')
    return { emitter: new EventBus(), wrapping: true }
  },
  async eventemitter3() {
    const { EventEmitter } = await import('eventemitter3')
    return { emitter: new EventEmitter(), wrapping: false }
  },
  async mitt() {
    const { default: mitt } = await import('mitt')
    return { emitter: mitt(), wrapping: false }
  },
  async emittery() {
    const { default: Emittery } = await import('emittery')
    return { emitter: new Emittery(), wrapping: false }
  },
}
