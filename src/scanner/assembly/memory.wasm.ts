// Memory and the host, in WebAssembly: the counterpart of memory.portable.ts, with 16 bytes at a time.

// Called when a value is seen for the first time; gives its class, or 0 when the line has to go the long way.
@external('host', 'classify')
declare function classify(node: i32, kind: i32, start: i32, end: i32): i32
// Called when a combination of values is seen for the first time; gives the address of what it comes to, or 0.
@external('host', 'decide')
declare function decide(start: i32, end: i32): i32
// Takes a line the long way; gives the place behind what it has written at `out`.
@external('host', 'passSlowly')
declare function passSlowly(start: i32, end: i32, out: i32): i32
// Takes the bytes from `start` to `end` out of the memory.
@external('host', 'flush')
declare function flush(start: i32, end: i32): void
// Writes something to the scratch area, and gives its length, or -1.
@external('host', 'describe')
declare function describe(what: i32, start: i32, end: i32): i32
// Fills the slot of a second in the table of times; gives 0 when it cannot be put there.
@external('host', 'fillSecond')
declare function fillSecond(slot: i32, second: f64): i32

function load8(at: i32): i32 {
  return load<u8>(at)
}

function store8(at: i32, value: i32): void {
  store<u8>(at, value)
}

function load32(at: i32): i32 {
  return load<i32>(at)
}

function word(at: i32): i32 {
  return load<i32>(at)
}

function setWord(at: i32, value: i32): void {
  store<i32>(at, value)
}

function float(at: i32): f64 {
  return load<f64>(at)
}

function copy(to: i32, from: i32, length: i32): void {
  if (length <= 16) {
    if (length >= 8) {
      const tail = load<u64>(from + length - 8)
      store<u64>(to, load<u64>(from))
      store<u64>(to + length - 8, tail)
      return
    }
    if (length >= 4) {
      const tail = load<u32>(from + length - 4)
      store<u32>(to, load<u32>(from))
      store<u32>(to + length - 4, tail)
      return
    }
    for (let i: i32 = 0; i < length; i++) store<u8>(to + i, load<u8>(from + i))
    return
  }
  if (length <= 512) {
    const tail = v128.load(from + length - 16)
    for (let i: i32 = 0; i < length - 16; i += 16) v128.store(to + i, v128.load(from + i))
    v128.store(to + length - 16, tail)
    return
  }
  memory.copy(to, from, length)
}

// Both of these may write up to 16 bytes more than asked for: only where those are free, or written next.

function put(to: i32, from: i32, length: i32): i32 {
  v128.store(to, v128.load(from))
  if (length > 16) {
    if (length > 128) memory.copy(to, from, length)
    else for (let i: i32 = 16; i < length; i += 16) v128.store(to + i, v128.load(from + i))
  }
  return to + length
}

function putSpaces(to: i32, count: i32): i32 {
  const spaces = i8x16.splat(32)
  v128.store(to, spaces)
  for (let i: i32 = 16; i < count; i += 16) v128.store(to + i, spaces)
  return to + count
}

function clear(at: i32, length: i32): void {
  memory.fill(at, 0, length)
}

function isSame(a: i32, b: i32, length: i32): bool {
  if (length >= 8) {
    const last = length - 8
    for (let i: i32 = 0; i < last; i += 8) if (load<u64>(a + i) !== load<u64>(b + i)) return false
    return load<u64>(a + last) === load<u64>(b + last)
  }
  if (length >= 4) {
    return load<u32>(a) === load<u32>(b) && load<u32>(a + length - 4) === load<u32>(b + length - 4)
  }
  for (let i: i32 = 0; i < length; i++) if (load<u8>(a + i) !== load<u8>(b + i)) return false
  return true
}

function multiply(a: i32, b: i32): i32 {
  return a * b
}

function toInteger(value: f64): i32 {
  return value as i32
}

function toFloat(value: i32): f64 {
  return value as f64
}

function findStop(at: i32): i32 {
  while (true) {
    const bytes = v128.load(at)
    const mask = i8x16.bitmask(
      v128.or(
        v128.or(i8x16.eq(bytes, i8x16.splat(34)), i8x16.eq(bytes, i8x16.splat(92))),
        i8x16.lt_u(bytes, i8x16.splat(32)),
      ),
    )
    if (mask) return at + ctz(mask)
    at += 16
  }
}

function findUnplain(at: i32): i32 {
  while (true) {
    const bytes = v128.load(at)
    const mask = i8x16.bitmask(
      v128.or(
        v128.or(i8x16.eq(bytes, i8x16.splat(34)), i8x16.eq(bytes, i8x16.splat(92))),
        // As signed bytes, those from 0x80 on are below 0.
        v128.or(i8x16.lt_s(bytes, i8x16.splat(32)), i8x16.eq(bytes, i8x16.splat(127))),
      ),
    )
    if (mask) return at + ctz(mask)
    at += 16
  }
}

function findNewline(at: i32): i32 {
  while (true) {
    const mask = i8x16.bitmask(i8x16.eq(v128.load(at), i8x16.splat(10)))
    if (mask) return at + ctz(mask)
    at += 16
  }
}
