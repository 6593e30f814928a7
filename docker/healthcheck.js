// The container's health: the control tier answers. A server that wants client certificates answers no stranger, so that
// there a finished TCP connection has to do.
// With the argument `either`, for an orchestrator that ends what is not healthy: or HAProxy runs, as what serves is not
// to be ended for the sake of its control tier.
import { get } from 'node:http'
import { get as getOverTls } from 'node:https'
import { connect } from 'node:net'
import { argv, env, exit, stderr } from 'node:process'

const { KONTROL_PORT: port = '8000', KONTROL_TLS_CERT, KONTROL_TLS_CLIENT_CA, KONTROL_DATA = '/data' } = env
const options = { host: '127.0.0.1', port, path: '/healthz', timeout: 4000, rejectUnauthorized: false }

const end = (reason) => {
  stderr.write(`${reason}\n`)
  exit(1)
}

const fail = (reason) => {
  if (argv[2] !== 'either') return end(reason)
  connect(`${KONTROL_DATA}/haproxy/master.sock`, () => exit(0)).on('error', () => end(`${reason}, and no HAProxy runs`))
}

if (KONTROL_TLS_CLIENT_CA) {
  connect({ host: '127.0.0.1', port: Number(port) }, () => exit(0)).on('error', ({ message }) => fail(message))
} else {
  const request = (KONTROL_TLS_CERT ? getOverTls : get)(options, ({ statusCode }) => {
    if (statusCode === 200) exit(0)
    fail(`/healthz answered ${statusCode}`)
  })
  request.on('timeout', () => request.destroy(new Error('/healthz does not answer')))
  request.on('error', ({ message }) => fail(message))
}
