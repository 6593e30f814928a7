import { problemOf, type Problem } from '../errors.ts'

export interface ReadinessParts {
  /** Absent when this process is no master. */
  registry: { readonly storeProblem: unknown } | undefined
  /** Absent when this process runs no manifest. */
  proxy:
    | {
        automaton: {
          readonly problem: Problem | undefined
          readonly atEnd: boolean
        }
        driver: { problems(): readonly Problem[]; findings(): readonly Problem[] }
        reconfigurations: { readonly hasEnded: boolean }
        /** Whether the manifest has steps that drive HAProxy. */
        drivesHaproxy: boolean
      }
    | undefined
}

const STARTING: Problem = {
  code: 'KTL_STARTING',
  message: 'The first configuration has not been applied yet',
  hint: 'Wait a moment; "kontrol state" (GET /api/v1/lifecycle) tells what is being done.'
}

const SHUT_DOWN: Problem = {
  code: 'KTL_SHUT_DOWN',
  message: 'The terminal state was asked for: HAProxy is stopping, or has stopped',
  hint: 'The only way back is a new start: end this process (SIGTERM), and start it again if nobody does it for you.'
}

/** What clients lack although this process does what it should; it makes nobody unready unless that is asked for. */
export function readinessFindings({ proxy }: ReadinessParts): readonly Problem[] {
  return proxy?.drivesHaproxy === true ? proxy.driver.findings() : []
}

/** Why this process is not ready: what GET /readyz shows. */
export function readinessProblems({ registry, proxy }: ReadinessParts): readonly Problem[] {
  const ofStore = registry?.storeProblem === undefined ? [] : [problemOf(registry.storeProblem)]
  if (proxy === undefined) return ofStore
  const { automaton, driver, reconfigurations, drivesHaproxy } = proxy
  const { problem } = automaton
  // Records are looked after by themselves, and clients are served meanwhile.
  const ofStep = problem === undefined || problem.code.startsWith('KTL_DNS_') ? [] : [problem]
  if (!drivesHaproxy) return [...ofStore, ...ofStep]
  // What HAProxy misses then was asked for.
  if (automaton.atEnd) return [...ofStore, ...ofStep, SHUT_DOWN]
  // A step that the driver made fail is told of already.
  const ofDriver = driver.problems().filter((problem) => !ofStep.some((told) => isSame(told, problem)))
  return [...ofStore, ...ofStep, ...ofDriver, ...(reconfigurations.hasEnded ? [] : [STARTING])]
}

/** A system call that failed has no code of ours, and is a problem of its own to each who tells it. */
const isSame = (one: Problem, other: Problem): boolean => one.code === other.code && one.message === other.message
