import { chmod, readFile, readdir, writeFile } from 'node:fs/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { CallbackRunner, type CallbackOptions, type CallbackRegistry } from '../../../src/controller/callback.ts'
import { KontrolError } from '../../../src/errors.ts'
import type { Pod } from '../../../src/model/pod.ts'
import { systemClock } from '../../../src/platform/clock.ts'
import { takeSnapshot } from '../../support/registry/take-snapshot.ts'
import { eventually } from '../../support/eventually.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { lives } from '../../support/service/lives.ts'
import { tempDir, type TempDir } from '../../support/temp-dir.ts'
import { recordingLogger } from '../../support/test-logger.ts'

const pods = (count: number, change: Partial<Pod> = {}): Pod[] =>
  Array.from({ length: count }, (_, seq) => ({
    app: 'web',
    id: `web-${seq}`,
    ip: `10.0.${seq >> 8}.${seq & 255}`,
    key: `k${seq}`,
    role: 'r',
    seq,
    firstSeen: 1,
    ...change
  }))
const snapshot = (count: number) => takeSnapshot(pods(count))

describe('CallbackRunner', () => {
  let folder: TempDir
  let clock: FakeClock
  let lines: Record<string, unknown>[]
  let stored: string | undefined
  let ran: string
  let leadership: CallbackRegistry['leadership']
  let runner: CallbackRunner | undefined

  beforeEach(async () => {
    folder = await tempDir()
    clock = new FakeClock()
    stored = undefined
    ran = ''
    leadership = { term: 1, until: Infinity }
  })
  afterEach(async () => {
    await runner?.stop()
    await folder[Symbol.asyncDispose]()
  })

  /** A runner of a Python program, as callbacks of Kontrol are. `note(text)` appends a line to the file `notes`. */
  async function start(program: string, change: Partial<CallbackOptions> = {}): Promise<CallbackRunner> {
    const path = folder.file('callback.py')
    const notes = JSON.stringify(folder.file('notes'))
    await writeFile(
      path,
      `import json, os, sys, time\ndef note(text):\n  open(${notes}, 'a').write(text + '\\n')\n${program}\n`
    )
    const { logger, lines: recorded } = recordingLogger()
    lines = recorded
    runner = new CallbackRunner({
      command: `python3 '${path}'`,
      shell: undefined,
      timeoutMs: 30_000,
      env: { ...process.env, PODS: 'inherited', STATE: 'inherited', OWN: 'kept' },
      folder: folder.path,
      registry: {
        get leading() {
          return leadership !== undefined
        },
        get leadership() {
          return leadership
        },
        lastRun: () => (stored === undefined && ran === '' ? undefined : { digest: ran, state: stored }),
        confirmLeadership: async () => ({ term: leadership?.term ?? 0 }),
        saveCallbackRun: async ({ digest, state }, term) => {
          if (leadership?.term !== term) throw new KontrolError('KTL_NOT_LEADING', 'not here', { hint: '' })
          stored = state
          ran = digest
        }
      },
      logger,
      clock,
      random: () => 1,
      ...change
    })
    return runner
  }
  const notes = async () => {
    const text = await readFile(folder.file('notes'), 'utf8').catch(() => '')
    return text.split('\n').slice(0, -1)
  }
  const atRest = (subject: CallbackRunner) => eventually(() => !subject.status().running)

  it('hands over what Kontrol hands over, and keeps what is printed', async () => {
    const subject = await start(
      `note(json.dumps({k: os.environ.get(k) for k in ['MD5', 'HASH', 'PODS', 'STATE', 'OWN']}))\nprint('{"n": 1}')`
    )
    const given = takeSnapshot(pods(1, { nonce: 'ab', payload: { eip: '1.2.3.4', Az: 'é' } }))

    subject.request(() => given)
    await atRest(subject)

    expect(JSON.parse((await notes())[0] ?? '')).toEqual({
      MD5: given.digest,
      HASH: given.digest,
      PODS: String.raw`[{"app": "web", "id": "web-0", "ip": "10.0.0.0", "key": "k0", "nonce": "ab", "payload": {"Az": "\u00e9", "eip": "1.2.3.4"}, "role": "r", "seq": 0}]`,
      STATE: null,
      OWN: 'kept'
    })
    expect(stored).toBe('{"n": 1}')
  })

  it('gives the next run what the last one printed', async () => {
    const subject = await start(`n = json.loads(os.environ.get('STATE', '0'))\nprint(n + 1)`)

    for (const count of [1, 2, 3]) {
      subject.request(() => snapshot(count))
      await atRest(subject)
    }

    expect(stored).toBe('3')
  })

  it('keeps the state when nothing is printed', async () => {
    stored = '{"old": true}'
    const subject = await start(`note(os.environ['STATE'])`)

    subject.request(() => snapshot(1))
    await atRest(subject)

    expect(await notes()).toEqual(['{"old": true}'])
    expect(stored).toBe('{"old": true}')
    expect(subject.status()).toMatchObject({ failures: 0 })
  })

  it('offers pods and state as files, readable by this user alone and gone afterwards', async () => {
    stored = '[1]'
    const subject = await start(
      [
        `p, s = os.environ['PODS_FILE'], os.environ['STATE_FILE']`,
        `note(str(open(p).read() == os.environ['PODS'] and open(s).read() == os.environ['STATE']))`,
        `note(oct(os.stat(p).st_mode & 0o777) + oct(os.stat(os.path.dirname(p)).st_mode & 0o777))`
      ].join('\n')
    )

    subject.request(() => snapshot(3))
    await atRest(subject)

    expect(await notes()).toEqual(['True', '0o6000o700'])
    expect((await readdir(folder.path)).sort()).toEqual(['callback.py', 'notes'])
  })

  it('runs with 5,000 pods, which no longer fit into a variable', async () => {
    stored = JSON.stringify('x'.repeat(200_000))
    const subject = await start(
      [
        `pods = json.load(open(os.environ['PODS_FILE']))`,
        `print(json.dumps([len(pods), pods[4999]['seq'], 'PODS' in os.environ, 'STATE' in os.environ, len(json.load(open(os.environ['STATE_FILE'])))]))`
      ].join('\n')
    )

    subject.request(() => snapshot(5000))
    await atRest(subject)

    expect(JSON.parse(stored)).toEqual([5000, 4999, false, false, 200_000])
  })

  it('still passes the largest text that fits into a variable', async () => {
    stored = JSON.stringify('x'.repeat(128 * 1024 - 'STATE='.length - 1 - 2))
    const subject = await start(`note(str(len(os.environ['STATE'])))`)

    subject.request(() => snapshot(1))
    await atRest(subject)

    expect(await notes()).toEqual([String(stored.length)])
  })

  it('runs once more, with the last pods, for all changes during a run, and never twice at once', async () => {
    const gate = folder.file('gate')
    const subject = await start(
      [
        `note('begin %d' % len(json.loads(os.environ['PODS'])))`,
        `while not os.path.exists(${JSON.stringify(gate)}): time.sleep(0.01)`,
        `note('end')`
      ].join('\n')
    )

    subject.request(() => snapshot(1))
    await eventually(async () => (await notes()).length === 1)
    for (const count of [2, 3, 4]) subject.request(() => snapshot(count))
    await writeFile(gate, '')
    await atRest(subject)

    expect(await notes()).toEqual(['begin 1', 'end', 'begin 4', 'end'])
  })

  it.each([
    ['exits with an error', `print('{}')\nsys.exit(3)`, 'it exited with 3'],
    ['is killed', `os.kill(os.getpid(), 9)`, 'it was ended by SIGKILL'],
    ['prints no JSON', `print('done')`, 'what it printed is no JSON: done'],
    ['prints more than a state may hold', `print('"' + 'x' * 1100000 + '"')`, 'it printed more than 1048576 bytes']
  ])('keeps the state when the callback %s', async (_what, program, reason) => {
    stored = '{"old": true}'
    const subject = await start(program)

    subject.request(() => snapshot(1))
    await eventually(() => subject.status().failures === 1)

    expect(stored).toBe('{"old": true}')
    expect(subject.status().lastError).toBe(reason)
    expect(lines).toMatchObject([{ msg: 'callback failed, the old state stays', reason }])
  })

  const LATE = 'it was ended after 1 s'
  const LARGE = 'it printed more than 1048576 bytes'
  it.each([
    ['prints lines without an end', `while True: print('x' * 1000)`, LATE],
    ['prints a hundred megabytes without a line feed', `for _ in range(100): sys.stdout.write('x' * 1000000)`, LARGE],
    ['complains without an end', `while True: sys.stderr.write('x' * 1000)`, LATE],
    ['closes what it prints to, and sleeps', `os.close(1)\nos.close(2)\ntime.sleep(1000)`, LATE],
    ['cannot be asked to end', `import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\ntime.sleep(1000)`, LATE],
    [
      'prints what a terminal obeys',
      `print('\\x1b[2J\\x07\\x9b31m')`,
      'what it printed is no JSON: \x1b[2J\x07\x9b31m'
    ],
    ['prints what it was given', `print('at ' + os.environ['DB_PASSWORD'])`, 'what it printed is no JSON: at ***']
  ])('is ended and told, and keeps the state, when the callback %s', async (_what, program, reason) => {
    stored = '{"old": true}'
    const env = { ...process.env, DB_PASSWORD: 'hunter-2222' }
    const subject = await start(`note(str(os.getpid()))\n${program}`, {
      timeoutMs: reason === LATE ? 1000 : 30_000,
      env
    })

    subject.request(() => snapshot(1))
    await eventually(() => subject.status().failures === 1, 20_000)

    expect(stored).toBe('{"old": true}')
    expect(subject.status().lastError).toBe(reason)
    expect(lives(Number((await notes())[0]))).toBe(false)
    for (const line of lines) expect(JSON.stringify(line).length).toBeLessThan(10_000)
  })

  it('is done when what it started in a session of its own prints to its pipes without an end', async () => {
    const subject = await start(
      `import subprocess\nchild = subprocess.Popen(['yes'], start_new_session=True)\nnote(str(child.pid))\ntime.sleep(0.2)`
    )

    subject.request(() => snapshot(1))
    await eventually(() => subject.status().failures === 1)
    process.kill(Number((await notes())[0]))

    expect(subject.status().lastError).toBe('it printed more than 1048576 bytes')
  })

  it('logs no value of a variable that holds a secret by its name', async () => {
    const env = { ...process.env, API_TOKEN: 'hunter-2222', OWN: 'kept' }
    const subject = await start('', { shell: ['/bin/sh'], command: 'set -x; : "$API_TOKEN $OWN"; echo "[]"', env })

    subject.request(() => snapshot(1))
    await atRest(subject)

    expect(stored).toBe('[]')
    expect(lines[0]).toMatchObject({ stderr: expect.stringMatching(/^\+ : \*\*\* kept$/m) as string })
  })

  it('says when the program does not exist', async () => {
    const subject = await start('', { command: '/nowhere/callback' })

    subject.request(() => snapshot(1))

    expect(await eventually(() => subject.status().lastError)).toBe('it exited with 127: its program was not found')
  })

  it('tries a failed run again with growing pauses, until it succeeds', async () => {
    const subject = await start(`note('run')\nsys.exit(0 if os.path.exists(${'sys.argv[0]'} + '.ok') else 1)`)

    subject.request(() => snapshot(1))
    for (const [index, pause] of [1000, 2000, 4000].entries()) {
      await eventually(() => subject.status().failures === index + 1 && !subject.status().running)
      clock.advance(pause - 1)
      expect(subject.status().running).toBe(false)
      clock.advance(1)
      expect(subject.status().running).toBe(true)
    }
    await eventually(() => subject.status().failures === 4 && !subject.status().running)
    await writeFile(folder.file('callback.py.ok'), '')
    clock.advance(8000)
    await eventually(() => subject.status().failures === 0)
    clock.advance(3_600_000)

    expect(subject.status()).toMatchObject({ running: false, lastError: undefined })
    expect((await notes()).length).toBe(5)
  })

  it('does not make a change wait for the pause of an earlier failure', async () => {
    const subject = await start(`note(str(len(json.loads(os.environ['PODS']))))\nsys.exit(1)`)

    subject.request(() => snapshot(1))
    await eventually(() => subject.status().failures === 1 && !subject.status().running)
    subject.request(() => snapshot(2))
    await eventually(() => subject.status().failures === 2 && !subject.status().running)

    expect(await notes()).toEqual(['1', '2'])
  })

  it('ends a run that takes too long, with everything it started', async () => {
    const subject = await start(
      `import subprocess\nchild = subprocess.Popen(['sleep', '1000'])\nnote(str(child.pid))\nchild.wait()`,
      { timeoutMs: 1000 }
    )

    subject.request(() => snapshot(1))
    await eventually(() => subject.status().failures === 1)

    expect(subject.status().lastError).toBe('it was ended after 1 s')
    await eventually(async () => !lives(Number((await notes())[0])))
  })

  it('logs what goes to standard error, and is not held up by a lot of it', async () => {
    const subject = await start(`sys.stderr.write('x' * 3000000 + 'the end')\nprint('[]')`)

    subject.request(() => snapshot(1))
    await atRest(subject)

    expect(stored).toBe('[]')
    expect(lines[0]?.msg).toBe('callback wrote to its standard error')
  })

  it('goes through a shell when told to', async () => {
    const subject = await start('', { shell: ['/bin/sh'], command: 'test -n "$MD5" && echo "[$((1 + 1))]"' })

    subject.request(() => snapshot(1))
    await atRest(subject)

    expect(stored).toBe('[2]')
  })

  it('runs a program directly, without a shell, when its path has blanks', async () => {
    const path = folder.file('my callback')
    await writeFile(path, '#!/bin/sh\necho "[\\"$1\\"]"\n')
    await chmod(path, 0o755)
    const subject = await start('', { command: `'${path}' '$HOME *'` })

    subject.request(() => snapshot(1))
    await atRest(subject)

    expect(stored).toBe('["$HOME *"]')
  })

  it('ends the run under way when it stops, and starts no other', async () => {
    const subject = await start(`note(str(os.getpid()))\ntime.sleep(1000)`)

    subject.request(() => snapshot(1))
    await eventually(async () => (await notes()).length === 1)
    subject.request(() => snapshot(2))
    await subject.stop()
    subject.request(() => snapshot(3))

    const started = await notes()
    expect(started.length).toBe(1)
    expect(lives(Number(started[0]))).toBe(false)
    expect(lines).toEqual([])
  })

  it('is done when the program has ended, whatever it leaves in the background', async () => {
    const path = folder.file('callback.sh')
    await writeFile(path, `#!/bin/sh\nsleep 40 &\necho $! > ${folder.file('notes')}\necho '{"n":1}'\n`)
    const subject = await start('', { command: `sh '${path}'` })

    subject.request(() => snapshot(1))
    await eventually(() => stored === '{"n":1}')

    const left = Number((await notes())[0])
    expect(lives(left)).toBe(true)
    process.kill(left)
  })

  it('does not run again for the pods that it ran for, and for none at all if it never ran', async () => {
    const subject = await start(`note('run')`)
    for (const count of [0, 1, 1, 1, 0]) {
      subject.request(() => snapshot(count))
      await atRest(subject)
    }

    expect(await notes()).toEqual(['run', 'run'])
  })

  it('does not run where another master leads, and runs what is left when it leads', async () => {
    const subject = await start(`note('run')`)
    leadership = undefined
    subject.request(() => snapshot(1))
    expect(subject.status().running).toBe(false)

    leadership = { term: 2, until: Infinity }
    subject.request(() => snapshot(1))
    await eventually(async () => (await notes()).length === 1)
  })

  it('ends the run whose leadership ended, keeps nothing of it, and does not try again', async () => {
    const subject = await start(
      `print('{"lost": true}')\nsys.stdout.flush()\nnote(str(os.getpid()))\ntime.sleep(1000)`,
      {
        clock: systemClock
      }
    )
    leadership = { term: 1, until: performance.now() + 60_000 }
    subject.request(() => snapshot(1))
    const [pid = ''] = await eventually(async () => ((await notes()).length === 1 ? notes() : undefined))
    leadership = undefined

    await atRest(subject)
    expect(lives(Number(pid))).toBe(false)
    expect(stored).toBeUndefined()
    expect(subject.status()).toMatchObject({ failures: 0, lastError: 'its leadership ended' })
    expect(lines).toMatchObject([{ msg: 'callback given up, this master does not lead any more' }])
  })

  it.each([
    ["python3 'open", 'has a quote that is not closed'],
    [' ', 'holds no command']
  ])('refuses the command %j', async (command, problem) => {
    await expect(start('', { command })).rejects.toThrowError(problem)
  })
})
