// The container's health: the control tier answers. A server that wants client certificates answers no stranger, so that
// there a finished TCP connection has to do.
import { get } from 'node:http'
import { get as getOverTls } from 'node:https'
import { connect } from 'node:net'
import { env, exit, stderr } from 'node:process'

const { KONTROL_PORT: port = '8000', KONTROL_TLS_CERT, KONTROL_TLS_CLIENT_CA } = env
const options = { host: '127.0.0.1', port, path: '/healthz', timeout: 4000, rejectUnauthorized: false }

const fail = (reason) => {
  stderr.write(`${reason}\n`)
  exit(1)
}

if (KONTROL_TLS_CLIENT_CA) {
  connect({ host: '127.0.0.1', port: Number(port) }, () => exit(0)).on('error', ({ message }) => fail(message))
} else {
  const request = (KONTROL_TLS_CERT ? getOverTls : get)(options, ({ statusCode }) => {
    if (statusCode === 200) exit(0)
    fail(`/healthz answered ${statusCode}`)
  })
  request.on('timeout', () => fail('/healthz does not answer'))
  request.on('error', ({ message }) => fail(message))
}
