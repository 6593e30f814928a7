import { setFlagsFromString } from 'node:v8'

/**
 * Trades V8's speed for memory, for a process that has next to nothing to
 * compute: the optimizing compiler with its code takes 7 MB as soon as it runs
 * once, and a heap that may grow at ease another 10. Set while the process
 * runs, as it is known by its configuration alone; what is loaded before the
 * call has been optimized already, so it comes early.
 */
export function preferMemory(): void {
  setFlagsFromString('--no-opt')
  setFlagsFromString('--optimize-for-size')
  // The young generation stays as small as it begins.
  setFlagsFromString('--semi-space-growth-factor=1')
}
