import { Type, type Static } from 'typebox'
import { Compile } from 'typebox/compile'
import { KontrolError, messageOf } from '../../errors.ts'
import { readPlainFile, SMALL_FILE_BYTES } from '../../platform/files/plain-file.ts'
import { checkReferences } from './manifest-references.ts'
import { ManifestSource, type Problem } from './manifest-source.ts'

export const LifecycleState = Type.Object(
  {
    tag: Type.String({ pattern: '^\\S+$', description: 'Name of the state' }),
    shell: Type.Optional(
      // One argument of execve holds 128 KiB at most.
      Type.String({ maxLength: 131_000, description: 'Script that /bin/sh runs when the state is entered' })
    ),
    action: Type.Optional(Type.String({ description: 'Step built into this program, in place of a script' })),
    on: Type.Optional(
      Type.Record(Type.String(), Type.String(), {
        description: 'Outcome of the step to the state that the machine moves to by itself'
      })
    ),
    force: Type.Optional(Type.Boolean({ description: 'Whether a waiting transition leaves the step alone' })),
    next: Type.Optional(
      Type.Array(Type.String(), { description: 'Glob patterns of the states that may be asked for from here' })
    )
  },
  { additionalProperties: false }
)
export type LifecycleState = Static<typeof LifecycleState>

export const Manifest = Type.Object({
  initial: Type.String({ description: 'State entered at the start' }),
  terminal: Type.String({ description: 'State that can be reached from everywhere, and runs last' }),
  states: Type.Array(LifecycleState, { minItems: 1 })
})
export type Manifest = Static<typeof Manifest>

/** What `action` of a manifest may name: the steps that drive HAProxy and its DNS record. */
export const builtInActions = ['setup', 'render', 'configure', 'restart', 'expose-via-route53', 'shutdown'] as const

/** Whether any state runs the step, or the one that is named. */
export const runsAction = ({ states }: Manifest, action: (typeof builtInActions)[number], tag?: string): boolean =>
  states.some((state) => state.action === action && (tag === undefined || state.tag === tag))

export interface ManifestOptions {
  /** Named in the error. */
  file?: string
  /** Names that `action` may hold; any when absent. */
  actions?: readonly string[]
}

export interface ParsedManifest {
  manifest: Manifest
  /** What the original Kontrol lets pass, so that it must not end the program: one sentence each, with its line. */
  warnings: string[]
}

const rootValidator = Compile(
  Type.Object({ ...Manifest.properties, states: Type.Array(Type.Unknown(), { minItems: 1 }) })
)
const stateValidator = Compile(LifecycleState)
const stateKeys = Object.keys(LifecycleState.properties)

/**
 * Reads a lifecycle.yml.
 *
 * @throws KontrolError KTL_MANIFEST_INVALID that lists every problem with its line
 */
export function parseManifest(text: string, { file = 'lifecycle.yml', actions }: ManifestOptions = {}): ParsedManifest {
  if (file.endsWith('.py')) {
    throw new KontrolError('KTL_MANIFEST_INVALID', `${file} is a manifest written in Python, which is not supported`, {
      hint: 'Write its states as YAML with a shell block each: see docs/lifecycle-manifest.md.'
    })
  }
  const source = new ManifestSource(text)
  if (source.faults.length > 0) throw invalid(file, source.faults)

  const { warnings, problems } = checkReferences(source, actions)
  const all = [...checkShape(source), ...problems]
  if (all.length > 0) throw invalid(file, source.listed(all))
  const manifest = source.value as Manifest
  return {
    manifest: { ...manifest, states: lastOfEach(manifest.states) },
    warnings: [...source.doubts, ...source.listed(warnings)]
  }
}

/** The original kept states by their tag. */
const lastOfEach = (states: readonly LifecycleState[]): LifecycleState[] => [
  ...new Map(states.map((state) => [state.tag, state])).values()
]

/**
 * @param read gives the text of the file: a service waits for no other end of a pipe, a person at a shell may mean one
 * @throws KontrolError KTL_MANIFEST_INVALID, also for a file that cannot be read
 */
export async function readManifest(
  file: string,
  actions: readonly string[],
  read: (file: string) => Promise<string> = (path) => readPlainFile(path, SMALL_FILE_BYTES)
): Promise<ParsedManifest> {
  let text: string
  try {
    text = await read(file)
  } catch (cause) {
    throw new KontrolError('KTL_MANIFEST_INVALID', `Cannot read the lifecycle manifest ${file}: ${messageOf(cause)}`, {
      hint: 'Check the path, and that this user may read it.',
      cause
    })
  }
  return parseManifest(text, { file, actions })
}

function invalid(file: string, problems: readonly string[]): KontrolError {
  return new KontrolError(
    'KTL_MANIFEST_INVALID',
    `Invalid lifecycle manifest ${file}:\n  - ${problems.join('\n  - ')}`,
    {
      hint: 'See docs/lifecycle-manifest.md, and check with "kontrol lifecycle check <file>".'
    }
  )
}

interface SchemaError {
  keyword: string
  instancePath: string
  message: string
  params: object
}

function checkShape(source: ManifestSource): Problem[] {
  const problems = rootValidator.Errors(source.value).flatMap((error) => describe(error, []))
  for (const [index, state] of source.states.entries()) {
    problems.push(...stateValidator.Errors(state).flatMap((error) => describe(error, ['states', index])))
  }
  return problems
}

/** The validator's own words name no key and show no value. */
function describe({ keyword, instancePath, message, params }: SchemaError, base: (string | number)[]): Problem[] {
  const path = [...base, ...instancePath.split('/').slice(1).map(unescapePointer)]
  // Each unknown key is reported a second time, as a value that may not be.
  if (keyword === 'boolean') return []
  if ('additionalProperties' in params) {
    const keys = params.additionalProperties as string[]
    return keys.map((key) => ({
      path: [...path, key],
      message: `unknown key "${key}" (known: ${stateKeys.join(', ')})`
    }))
  }
  if ('requiredProperties' in params) {
    return (params.requiredProperties as string[]).map((key) => ({ path, message: `"${key}" is missing` }))
  }
  const subject = path.filter((part) => typeof part === 'string').at(-1) ?? 'the manifest'
  return [{ path, message: keyword === 'pattern' ? `${subject} must be one word` : `${subject} ${message}` }]
}

function unescapePointer(part: string): string | number {
  return /^\d+$/.test(part) ? Number(part) : part.replaceAll('~1', '/').replaceAll('~0', '~')
}
