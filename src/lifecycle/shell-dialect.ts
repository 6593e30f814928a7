import { realpathSync } from 'node:fs'
import { basename } from 'node:path'
import type { Shell } from '../platform/process/shell.ts'
import type { Manifest } from './manifest/manifest.ts'

/** Shells that read these things as busybox ash does, for which the manifests of Kontrol's images were written. */
const LIKE_ASH = /^(ash|bash|busybox|zsh)$/

interface Trap {
  pattern: RegExp
  message: string
}

const TRAPS: readonly Trap[] = [
  {
    pattern: /(^|[\s;&|(])(\[|test)\s[^;&|]*\s==\s/,
    message: '"==" in a test is an error here; "=" is understood by every shell'
  },
  {
    pattern: /(^|[\s;&|(])echo\s(?!-e)[^;&|]*\\[abfnrtv0\\]/,
    message: 'echo turns backslashes into control characters here; printf "%s\\n" does not'
  },
  {
    pattern: /(^|[\s;&|(])echo\s[^;&|]*\$[^;&|]*\|(?!\|)/,
    message:
      'echo turns backslashes within a variable into control characters here, JSON no longer being JSON; printf "%s\\n" does not'
  },
  {
    pattern: /(^|[\s;&|(])\[\[\s/,
    message: '"[[" is not known here'
  }
]

/** What the scripts of a manifest hold that this shell reads otherwise than busybox ash: one sentence each. */
export function dialectWarnings({ states }: Manifest, shell: Shell): string[] {
  if (shell.some((word) => LIKE_ASH.test(basename(resolved(word))))) return []
  return states.flatMap(({ tag, shell: script = '' }) =>
    script
      .split('\n')
      .flatMap((line, index) =>
        TRAPS.filter(({ pattern }) => pattern.test(line) && !/^\s*#/.test(line)).map(
          ({ message }) => `line ${index + 1} of the script of "${tag}": ${message} (${shell.join(' ')})`
        )
      )
  )
}

/** What `/bin/sh` is on this machine. */
function resolved(word: string): string {
  try {
    return realpathSync(word)
  } catch {
    return word
  }
}
