/** Does one step after another, as long as there is one to do. */
export interface Loop {
  readonly isRunning: boolean
  /** There may be something to do: at the end of this turn, so that all that happens in it is told in one call. */
  plan(): void
  /** The same at once. */
  run(): void
  end(): void
}

export interface LoopSetting {
  /** Does the most urgent thing; gives whether there was one. */
  readonly step: () => Promise<boolean>
  /** Something was planned, and a step is still at it: what needs no step may be done. */
  readonly meanwhile: () => void
  /** A step has failed: it goes on after a pause. @param isFirst Whether the last ones before it have not. */
  readonly onFailure: (error: unknown, isFirst: boolean) => void
}

const FIRST_PAUSE_MS = 50
const MAX_PAUSE_MS = 5000

export function createLoop({ step, meanwhile, onFailure }: LoopSetting): Loop {
  let isRunning = false
  let isPlanned = false
  let isEnded = false
  let pauseMs = 0
  let pauseTimer: NodeJS.Timeout | undefined

  const run = async () => {
    if (isRunning || isEnded || pauseTimer) return
    isRunning = true
    try {
      while (!isEnded && (await step()));
      pauseMs = 0
    } catch (error) {
      if (!isEnded) rest(error)
    } finally {
      isRunning = false
    }
  }
  const rest = (error: unknown) => {
    onFailure(error, pauseMs === 0)
    pauseMs = Math.min(MAX_PAUSE_MS, Math.max(FIRST_PAUSE_MS, pauseMs * 2))
    pauseTimer = setTimeout(() => {
      pauseTimer = undefined
      plan()
    }, pauseMs)
  }
  const plan = () => {
    if (isPlanned || isEnded) return
    isPlanned = true
    setImmediate(() => {
      isPlanned = false
      if (isRunning && !isEnded) meanwhile()
      else void run()
    })
  }

  return {
    get isRunning() {
      return isRunning
    },
    plan,
    run: () => void run(),
    end() {
      isEnded = true
      clearTimeout(pauseTimer)
    },
  }
}
