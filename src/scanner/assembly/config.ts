// Where things are in memory. The host lays it out and writes the addresses, one word each, from CONFIG on.

const CONFIG: i32 = 1024

const ONE: i32 = -1640531535
const TWO: i32 = -2048144789
const THREE: i32 = -1028477387

/** Open addressing, 16 bytes a slot: hash, length << 16 | parent, address of the key, place (0 is a free slot). */
let keys: i32 = 0
let keyMask: i32 = 0
/** A bit for each hash of a key that there is. */
let keyFilter: i32 = 0
let keyFilterMask: i32 = 0
let longestKey: i32 = 0
/** 48 bytes a place, see place.ts. */
let places: i32 = 0
/** A word a place: the line in which it was last seen. */
let stamps: i32 = 0
let placeCount: i32 = 0

/** Values seen before. 16 bytes a slot: hash, place << 4 | kind, address of length and bytes, class (0 is free). */
let values: i32 = 0
let valueMask: i32 = 0
let valuePool: i32 = 0
let valuePoolEnd: i32 = 0

/** Combinations seen before. 16 bytes a slot: hash, length, address of the combination, outcome (0 is free). */
let outcomes: i32 = 0
let outcomeMask: i32 = 0
let outcomePool: i32 = 0
let outcomePoolEnd: i32 = 0

/** The combination of the line at hand: a word for each value that matters. */
let combination: i32 = 0
/** For each possible first byte of a message, what has to be found out about it. */
let firstBytes: i32 = 0
/** 16 bytes a class of level: whether it is hidden, address and length of its text. */
let levels: i32 = 0
/** 64 bytes a second: the second as a number, address and length of its text, place of the milliseconds in it. */
let seconds: i32 = 0
/** What the host has described. */
let scratch: i32 = 0
let output: i32 = 0
let outputEnd: i32 = 0
/** The fields of the line at hand, as text. */
let body: i32 = 0
let bodyLimit: i32 = 0
/** Where the errors of the line at hand are, and the keys of the objects that are being written. */
let errors: i32 = 0
let keyList: i32 = 0

/** For each first byte of a key at the top, a bit for each length (its lowest five bits) that one has. */
let topKeys: i32 = 0
/** The beginnings of lines, see line.ts. */
let heads: i32 = 0

let messagePlace: i32 = 0
let bracketPlace: i32 = 0
let isText: bool = false
let isSingleLine: bool = false
let isLevelFirst: bool = false
let isObjectHidden: bool = false
let hasCarriageReturn: bool = false
/** Address and length of the colour codes: around a key, a message, a line of JSON. */
let keyOpen: i32 = 0
let keyOpenLength: i32 = 0
let keyClose: i32 = 0
let keyCloseLength: i32 = 0
let messageOpen: i32 = 0
let messageOpenLength: i32 = 0
let messageClose: i32 = 0
let messageCloseLength: i32 = 0
let greyOpen: i32 = 0
let greyOpenLength: i32 = 0
let greyClose: i32 = 0
let greyCloseLength: i32 = 0

/** Takes over what the host has written to CONFIG. */
export function configure(): void {
  keys = word(CONFIG)
  keyMask = word(CONFIG + 4)
  longestKey = word(CONFIG + 8)
  places = word(CONFIG + 12)
  stamps = word(CONFIG + 16)
  values = word(CONFIG + 20)
  valueMask = word(CONFIG + 24)
  valuePool = word(CONFIG + 28)
  valuePoolEnd = word(CONFIG + 32)
  outcomes = word(CONFIG + 36)
  outcomeMask = word(CONFIG + 40)
  outcomePool = word(CONFIG + 44)
  outcomePoolEnd = word(CONFIG + 48)
  combination = word(CONFIG + 52)
  firstBytes = word(CONFIG + 56)
  levels = word(CONFIG + 60)
  seconds = word(CONFIG + 64)
  scratch = word(CONFIG + 68)
  output = word(CONFIG + 72)
  outputEnd = word(CONFIG + 76)
  body = word(CONFIG + 80)
  messagePlace = word(CONFIG + 84)
  bracketPlace = word(CONFIG + 88)
  const modes = word(CONFIG + 92)
  isText = (modes & 1) !== 0
  isSingleLine = (modes & 2) !== 0
  isLevelFirst = (modes & 4) !== 0
  isObjectHidden = (modes & 8) !== 0
  hasCarriageReturn = (modes & 16) !== 0
  keyOpen = word(CONFIG + 96)
  keyOpenLength = word(CONFIG + 100)
  keyClose = word(CONFIG + 104)
  keyCloseLength = word(CONFIG + 108)
  messageOpen = word(CONFIG + 112)
  messageOpenLength = word(CONFIG + 116)
  messageClose = word(CONFIG + 120)
  messageCloseLength = word(CONFIG + 124)
  greyOpen = word(CONFIG + 128)
  greyOpenLength = word(CONFIG + 132)
  greyClose = word(CONFIG + 136)
  greyCloseLength = word(CONFIG + 140)
  placeCount = word(CONFIG + 144)
  bodyLimit = word(CONFIG + 148)
  errors = word(CONFIG + 152)
  keyList = word(CONFIG + 156)
  keyFilter = word(CONFIG + 160)
  keyFilterMask = word(CONFIG + 164)
  heads = word(CONFIG + 168)
  topKeys = word(CONFIG + 172)
  forgetValues()
  forgetOutcomes()
}
