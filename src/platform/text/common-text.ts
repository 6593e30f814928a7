/** Characters compared at once: as whole blocks of memory, and not one by one. */
const BLOCK = 4_096

/** How many characters two texts have in common at their beginnings. */
export function commonStart(one: string, other: string): number {
  const shorter = Math.min(one.length, other.length)
  return commonLength(shorter, (from, to) => one.slice(from, to) === other.slice(from, to))
}

/** How many they have in common at their ends, of so many at most. */
export function commonEnd(one: string, other: string, limit: number): number {
  return commonLength(limit, (from, to) => fromEnd(one, from, to) === fromEnd(other, from, to))
}

function commonLength(limit: number, same: (from: number, to: number) => boolean): number {
  let at = 0
  let step = BLOCK
  while (at < limit) {
    const to = Math.min(at + step, limit)
    if (same(at, to)) at = to
    else if (to - at === 1) return at
    else step = Math.ceil((to - at) / 2)
  }
  return at
}

/** A range that is counted from the end. */
function fromEnd(text: string, from: number, to: number): string {
  return text.slice(text.length - to, text.length - from)
}
