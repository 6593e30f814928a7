import { once } from 'node:events'
import { existsSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { text } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'
import { CommandSocket } from '../../../src/lifecycle/command-socket.ts'
import { factsOf } from '../../../src/lifecycle/manifest/reachable-states.ts'
import { parseManifest } from '../../../src/lifecycle/manifest/manifest.ts'
import { eventually } from '../../support/eventually.ts'
import { startAutomaton } from '../../support/service/start-automaton.ts'
import { tempDir } from '../../support/temp-dir.ts'
import { silentLogger } from '../../support/test-logger.ts'

const manifest = `
initial: A
terminal: C
states:
- tag: A
  next: [B]
- tag: B
  shell: cp "$INPUT_FILE" $DIR/input
  next: [A, B]
- tag: C
  shell: echo terminating
`

const facts = factsOf(parseManifest(manifest).manifest)

const machine = {
  state: 'A',
  goto: async () => {},
  wait: async () => ({ state: 'A', outcome: 'done' }),
  set: () => {},
  die: async () => {}
}

describe('the command socket', () => {
  it('is for its owner only, and its file goes when it is closed', async () => {
    await using dir = await tempDir()
    const socket = new CommandSocket({ path: dir.file('sock'), machine, facts, logger: silentLogger() })
    await socket.listen()
    const mode = statSync(dir.file('sock')).mode & 0o777
    await socket.close()

    expect(mode).toBe(0o600)
    expect(existsSync(dir.file('sock'))).toBe(false)
  })

  it('takes the place of one that nobody answers', async () => {
    await using dir = await tempDir()
    const path = dir.file('sock')
    // Node removes the file of a socket that it closes; a killed process does not.
    const stale = createServer().listen(`${path}.old`)
    await once(stale, 'listening')
    renameSync(`${path}.old`, path)
    stale.close()
    await once(stale, 'close')
    expect(existsSync(path)).toBe(true)

    const socket = new CommandSocket({ path, machine, facts, logger: silentLogger() })
    await socket.listen()
    await socket.close()
  })

  it('leaves one alone that is answered, and what is no socket', async () => {
    await using running = await startAutomaton(manifest)
    writeFileSync(running.file('notes'), 'keep me')
    const onTop = (path: string) => new CommandSocket({ path, machine, facts, logger: silentLogger() }).listen()

    await expect(onTop(running.socketPath)).rejects.toMatchObject({
      code: 'KTL_SOCKET_UNUSABLE',
      exitCode: 78,
      message: `Cannot listen for commands on ${running.socketPath}: another process listens there`
    })
    await expect(onTop(running.file('notes'))).rejects.toMatchObject({ code: 'KTL_SOCKET_UNUSABLE' })
    expect(readFileSync(running.file('notes'), 'utf8')).toBe('keep me')
    expect(await running.socat('STATE')).toBe('A')
  })

  it('says so when the path cannot be used', async () => {
    const socket = new CommandSocket({ path: `/tmp/${'x'.repeat(120)}`, machine, facts, logger: silentLogger() })

    await expect(socket.listen()).rejects.toMatchObject({ code: 'KTL_SOCKET_UNUSABLE' })
  })

  it('answers others while a client keeps its half open or says nothing', async () => {
    await using running = await startAutomaton(manifest)
    const silent = connect(running.socketPath)
    const half = connect({ path: running.socketPath, allowHalfOpen: true })
    await Promise.all([once(silent, 'connect'), once(half, 'connect')])

    expect(await running.socat('STATE')).toBe('A')
    silent.destroy()
    half.destroy()
  })

  it('takes a command that ends in a line break from a client that keeps its half open', async () => {
    await using running = await startAutomaton(manifest)
    const client = connect({ path: running.socketPath, allowHalfOpen: true })
    client.write('STATE\n')

    expect(await text(client)).toBe('A')
    client.end()
  })

  it('waits for the rest of an input that has line breaks', async () => {
    await using running = await startAutomaton(manifest)
    const client = connect({ path: running.socketPath, allowHalfOpen: true })
    client.write('WAIT B one\n')
    client.write('two\n')
    client.end('three\n')

    expect(await text(client)).toBe('OK')
    expect(readFileSync(running.file('input'), 'utf8')).toBe('one\ntwo\nthree')
  })

  it('gives up on a client that sends half a command and no more', async () => {
    await using running = await startAutomaton(manifest, { idleMs: 100 })
    const client = connect({ path: running.socketPath, allowHalfOpen: true })
    client.write('STA')

    expect(await text(client)).toBe('KO')
    client.end()
  })

  it('takes 4 MiB and no more', async () => {
    await using running = await startAutomaton(manifest)
    const most = 'x'.repeat(4 * 1024 * 1024 - 'WAIT B \n'.length)

    expect(await running.socat(`WAIT B ${most}`)).toBe('OK')
    expect(statSync(running.file('input')).size).toBe(most.length)
    expect(await running.socat(`WAIT B ${most}x`)).toBe('KO')
  })

  it('runs the command of a client that goes without its answer', async () => {
    await using running = await startAutomaton(manifest)
    const client = connect(running.socketPath)
    client.write('GOTO B gone')
    client.end()
    client.destroySoon()

    await eventually(() => readFileSync(running.file('input'), 'utf8') === 'gone')
  })

  it('tells what a command would do, and does nothing of it', async () => {
    await using running = await startAutomaton(manifest)
    const kinds = ['STATE', 'GOTO B', 'WAIT C', 'DIE', 'SET INPUT x', 'nonsense', ''].map(
      async (command) => await running.socat(`KIND ${command}`)
    )

    expect(await Promise.all(kinds)).toEqual(['look', 'move', 'end', 'end', 'steer', 'KO', 'KO'])
    expect(await running.socat('STATE')).toBe('A')
  })

  it('serves many clients at once', async () => {
    await using running = await startAutomaton(manifest)
    const answers = await Promise.all(Array.from({ length: 40 }, () => running.socat('STATE')))

    expect(new Set(answers)).toEqual(new Set(['A']))
  })

  it('queues the requests of many clients in the order of their arrival', async () => {
    await using running = await startAutomaton(`
initial: A
terminal: C
states:
- tag: A
  force: true
  shell: while [ ! -e $DIR/go ]; do sleep 0.05; done
  next: [B]
- tag: B
  shell: echo "$INPUT" >> $DIR/trace
  next: [B]
- tag: C
`)
    const answers: Promise<string>[] = []
    for (const n of [1, 2, 3]) {
      answers.push(running.socat(`${n === 3 ? 'WAIT' : 'GOTO'} B ${n}`))
      await eventually(() => running.automaton.status().queue.length === n)
    }
    writeFileSync(running.file('go'), '')

    expect(await Promise.all(answers)).toEqual(['OK', 'OK', 'OK'])
    expect(readFileSync(running.file('trace'), 'utf8')).toBe('1\n2\n3\n')
  })
})
