/** The labels that the original chose; `*` stands for any text. */
const CHOSEN = [/^app$/, /^role$/, /unity3d\.com/, /\/hostname$/]

/**
 * The tags that every figure of this pod carries: chosen labels of the node
 * and of the pod, without what stands before the slash; the pod's own win.
 */
export function globalTags(
  nodeLabels: Readonly<Record<string, string>>,
  podLabels: Readonly<Record<string, string>>
): Record<string, string> {
  const chosen = [...Object.entries(nodeLabels), ...Object.entries(podLabels)]
    .filter(([key]) => CHOSEN.some((pattern) => pattern.test(key)))
    .map(([key, value]): [string, string] => [key.slice(key.indexOf('/') + 1), value])
  return Object.fromEntries([...new Map(chosen)].sort(([a], [b]) => (a < b ? -1 : 1)))
}
