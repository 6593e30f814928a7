import { describe, expect, it } from 'vitest'
import { KontrolError } from '../../../src/errors.ts'
import { parseSocatCommand } from '../../../src/slave/script/socat-command.ts'

const input = '{"cmd": "x", "hosts": {"web": ["10.0.0.1"]}}'
const parse = (text: string) => parseSocatCommand(text, { input, socketPath: '/tmp/sock' })
const json = '{"web": ["10.0.0.1", "10.0.0.2"]}'

describe('parseSocatCommand', () => {
  it.each([
    [`echo WAIT configure '${json}' | socat -t 60 - /tmp/sock`, `WAIT configure ${json}`],
    [`echo WAIT configure '${json}'|socat -t60 - UNIX-CONNECT:/tmp/sock`, `WAIT configure ${json}`],
    [`echo "WAIT configure ${json.replaceAll('"', '\\"')}" | socat -t 60 - /tmp/sock`, `WAIT configure ${json}`],
    [`echo -n 'WAIT configure ${json}' | socat - unix:/tmp/sock`, `WAIT configure ${json}`],
    [`echo WAIT configure "$INPUT" | socat -T 5.5 -t 60 - unix-client:/tmp/sock`, `WAIT configure ${input}`],
    [`echo WAIT configure $INPUT | socat -t 60 - /tmp/sock`, `WAIT configure ${input}`],
    [`printf 'WAIT configure %s' "$INPUT" | socat -t 60 - GOPEN:/tmp/sock`, `WAIT configure ${input}`],
    [`printf 'WAIT configure %s\\n' '${json}' | socat -t 60 - /tmp/sock`, `WAIT configure ${json}`],
    [`printf '100%%\\t"%s"' a b | socat - /tmp/sock`, '100%\t"a"100%\t"b"'],
    [`printf STATE | socat - /tmp/sock`, 'STATE'],
    [`echo STATE | socat /tmp/sock stdio`, 'STATE'],
    [`echo STATE | socat - /tmp/../tmp/sock`, 'STATE'],
    [`  echo GOTO start  |  socat - /tmp/sock\n`, 'GOTO start'],
    [`echo 'SET a b\nc\n' | socat - /tmp/sock`, 'SET a b\nc\n'],
    [`echo WAIT configure '{"text": "a\\nb"}' | socat - /tmp/sock`, 'WAIT configure {"text": "a\\nb"}']
  ])('understands %s', (text, command) => {
    expect(parse(text)).toBe(command)
  })

  it.each([
    ['another socket', 'echo STATE | socat - /var/run/docker.sock', /"\/var\/run\/docker.sock" is not the socket/],
    ['a TCP address', 'echo STATE | socat - TCP:example.org:80', /is not the socket/],
    ['a program as address', 'echo STATE | socat EXEC:sh /tmp/sock', /has to join/],
    ['a file as address', 'echo STATE | socat OPEN:/etc/passwd /tmp/sock', /has to join/],
    ['two sockets', 'echo STATE | socat /tmp/sock /tmp/sock', /has to join/],
    ['one address', 'echo STATE | socat /tmp/sock', /has to join/],
    ['options of an address', 'echo STATE | socat - UNIX:/tmp/sock,user=root', /is not the socket/],
    ['other options', 'echo STATE | socat -v - /tmp/sock', /has to join/],
    ['a time-out that is none', 'echo STATE | socat -t x - /tmp/sock', /-t of socat needs a number/],
    ['another writer', 'cat /etc/passwd | socat - /tmp/sock', /"cat" is neither echo nor printf/],
    ['another reader', 'echo STATE | nc -U /tmp/sock', /not of the form/],
    ['a third command', 'echo STATE | socat - /tmp/sock | sh', /not of the form/],
    ['no pipe', 'reboot', /not of the form/],
    ['nothing before the pipe', '| socat - /tmp/sock', /"" is neither/],
    ['other conversions', `printf '%d' 1 | socat - /tmp/sock`, /printf does not know %d/],
    ['other escapes', String.raw`printf '\0101' | socat - /tmp/sock`, /printf does not know \\0/]
  ])('refuses %s with a hint', (_what, text, problem) => {
    expect(() => parse(text)).toThrowError(problem)
    expect(() => parse(text)).toThrowError(
      expect.objectContaining({
        code: 'KTL_FORBIDDEN',
        hint: expect.stringContaining('KONTROL_SCRIPT=shell') as string
      })
    )
    expect(() => parse(text)).toThrowError(KontrolError)
  })
})
