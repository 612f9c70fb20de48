// Loaded before a process begins: its clock is wrong by `ms`, as in `--import ./shift-clock.mjs?ms=3600000`.
const shiftMs = Number(new URL(import.meta.url).searchParams.get('ms'))
const RealDate = Date

class ShiftedDate extends RealDate {
  constructor(...given) {
    if (given.length === 0) super(ShiftedDate.now())
    else super(...given)
  }

  static now() {
    return RealDate.now() + shiftMs
  }
}

globalThis.Date = ShiftedDate
