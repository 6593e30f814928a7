import { splitShellWords } from './shell-words.ts'

/** A shell, with the words that come before `-c`: `busybox ash`, say. */
export type Shell = readonly [string, ...string[]]

export const defaultShell: Shell = ['/bin/sh']

/** Throws with the end of a sentence that begins with the variable's name. */
export function parseShell(raw: string): Shell {
  const [program, ...words] = splitShellWords(raw)
  if (program === undefined) throw new Error('must name a shell')
  return [program, ...words]
}
