import type { ContainerHost } from './container-host.ts'
import { IMAGE } from './build-image.ts'

/** A web server that names itself. */
const server = `require('node:http').createServer((request, response) => response.end(process.env.KONTROL_ID)).listen(80)`

/**
 * A pod as `docker/kubernetes/slave.yaml` makes one: a web server with a slave
 * beside it, which says goodbye first when the pod is stopped.
 */
const script = `
node -e "$SERVER" & web=$!
node /opt/kontrol/dist/main.js run & slave=$!
trap 'kill $slave; wait $slave; sleep 3; kill $web; exit 0' TERM
wait $web
`

/** @param masters addresses of the proxies */
export async function startWebPod(host: ContainerHost, name: string, ip: string, masters: string): Promise<void> {
  const env = {
    SERVER: server,
    KONTROL_MODE: 'slave',
    KONTROL_ID: name,
    KONTROL_IP: ip,
    KONTROL_TTL: '4',
    KONTROL_DATA: '/tmp/data',
    KONTROL_LABELS: '{"app": "web", "role": "server"}',
    KONTROL_ANNOTATIONS: JSON.stringify({ 'kontrol.unity3d.com/master': masters })
  }
  const options = Object.entries(env).flatMap(([key, value]) => ['--env', `${key}=${value}`])
  await host.run(name, ip, IMAGE, options, ['sh', '-c', script])
}
