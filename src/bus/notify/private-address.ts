/**
 * Whether an IP address is none of the public internet: this machine, its networks, the services of a cloud
 * (169.254.169.254), or nobody's. What is no address is taken for private.
 *
 * The registries of IANA for special-purpose addresses say which those are. Where an IPv6 address stands for one of
 * IPv4, that one counts.
 */
export function isPrivateAddress(address: string): boolean {
  const v4 = parseIPv4(address)
  if (v4 !== undefined) return isPrivateIPv4(v4)
  const v6 = parseIPv6(address)
  return v6 === undefined || isPrivateIPv6(v6)
}

/** Networks of IPv4 that are not public: first address and length of the prefix. */
const PRIVATE_IPV4 = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  // Multicast, what is reserved, and the address of everybody.
  ['224.0.0.0', 3],
].map(([first, length]) => ({
  first: parseIPv4(first as string) as number,
  size: 2 ** (32 - (length as number)),
}))

function isPrivateIPv4(address: number): boolean {
  return PRIVATE_IPV4.some(({ first, size }) => address >= first && address < first + size)
}

/** Eight groups of 16 bits. */
type Groups = readonly number[]

function isPrivateIPv6(groups: Groups): boolean {
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, high = 0, low = 0] = groups
  const isZero = (...parts: number[]) => parts.every((part) => part === 0)
  // ::ffff:0:0/96 is IPv4 in the clothes of IPv6, 64:ff9b::/96 is IPv4 behind a translator.
  if (isZero(a, b, c, d, e) && f === 0xffff) return isPrivateIPv4(high * 0x10000 + low)
  if (a === 0x64 && b === 0xff9b && isZero(c, d, e, f)) return isPrivateIPv4(high * 0x10000 + low)
  // 2002::/16 has it behind the prefix.
  if (a === 0x2002) return isPrivateIPv4(b * 0x10000 + c)
  // All public ones are in 2000::/3; all others are loopback, link-local, unique local, multicast or nobody's.
  if (a < 0x2000 || a > 0x3fff) return true
  // 2001::/23 is for protocols, 2001:db8::/32 and 3fff::/20 are for documentation.
  return (a === 0x2001 && (b < 0x200 || b === 0xdb8)) || (a === 0x3fff && b < 0x1000)
}

function parseIPv4(text: string): number | undefined {
  const parts = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text)?.slice(1).map(Number)
  if (!parts || parts.some((part) => part > 255)) return undefined
  return parts.reduce((sum, part) => sum * 256 + part, 0)
}

function parseIPv6(text: string): Groups | undefined {
  const [address = ''] = text.split('%')
  const tail = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(address)
  const v4 = tail?.[2] === undefined ? undefined : parseIPv4(tail[2])
  if (tail && v4 === undefined) return undefined
  const whole =
    tail && v4 !== undefined ? `${tail[1]}${(v4 >>> 16).toString(16)}:${(v4 & 0xffff).toString(16)}` : address
  const sides = whole.split('::')
  if (sides.length > 2) return undefined
  const [head = [], rest] = sides.map((side) => (side === '' ? [] : side.split(':')))
  const missing = 8 - head.length - (rest?.length ?? 0)
  if (rest === undefined ? missing !== 0 : missing < 1) return undefined
  const groups = [...head, ...Array.from({ length: missing }, () => '0'), ...(rest ?? [])]
  return groups.every((group) => /^[0-9a-f]{1,4}$/i.test(group))
    ? groups.map((group) => Number.parseInt(group, 16))
    : undefined
}
