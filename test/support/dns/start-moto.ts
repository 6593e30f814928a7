import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  ChangeResourceRecordSetsCommand,
  CreateHostedZoneCommand,
  ListResourceRecordSetsCommand,
  type ResourceRecordSet,
  Route53Client
} from '@aws-sdk/client-route-53'
import { request } from 'undici'
import { eventually } from '../eventually.ts'
import { freePort } from '../free-port.ts'

/** The Route53 of others: moto's server, and the hands of an operator in it. */
export interface Moto extends AsyncDisposable {
  /** The environment of a process that is to use it. */
  env: Record<string, string>
  /** @returns the id of the zone */
  addZone(name: string, options?: { isPrivate?: boolean }): Promise<string>
  put(zone: string, ...sets: ResourceRecordSet[]): Promise<void>
  remove(zone: string, ...sets: ResourceRecordSet[]): Promise<void>
  /** What stands at exactly that name, as moto prints it. */
  at(zone: string, name: string): Promise<ResourceRecordSet[]>
}

/** Starts moto, which was unpacked into a folder together with the Debian that it runs on. */
export async function startMoto(debian: string): Promise<Moto> {
  const port = await freePort()
  const args = [debian, '/usr/bin/python3', '/usr/bin/moto_server', '-H', '127.0.0.1', '-p', String(port)]
  const server = spawn('chroot', args, { stdio: ['ignore', 'pipe', 'pipe'], env: { PATH: '/usr/sbin:/usr/bin' } })
  let output = ''
  for (const stream of [server.stdout, server.stderr]) stream.on('data', (chunk) => (output += String(chunk)))
  const endpoint = `http://127.0.0.1:${port}`
  await eventually(async () => {
    if (server.exitCode !== null) throw new Error(`moto ended with ${server.exitCode}: ${output}`)
    return (await request(`${endpoint}/moto-api/`)).statusCode === 200
  }, 50_000)

  const credentials = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret' }
  const client = new Route53Client({ endpoint, region: 'us-east-1', credentials })
  const change = async (zone: string, Action: 'UPSERT' | 'DELETE', sets: ResourceRecordSet[]): Promise<void> => {
    const Changes = sets.map((ResourceRecordSet) => ({ Action, ResourceRecordSet }))
    await client.send(new ChangeResourceRecordSetsCommand({ HostedZoneId: zone, ChangeBatch: { Changes } }))
  }
  let created = 0
  return {
    env: {
      AWS_ENDPOINT_URL_ROUTE_53: endpoint,
      AWS_ACCESS_KEY_ID: credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
      AWS_REGION: 'us-east-1',
      AWS_EC2_METADATA_DISABLED: 'true',
      AWS_CONFIG_FILE: '/dev/null',
      AWS_SHARED_CREDENTIALS_FILE: '/dev/null'
    },
    addZone: async (name, { isPrivate = false } = {}) => {
      const command = new CreateHostedZoneCommand({
        Name: name,
        CallerReference: String(created++),
        // moto cannot do without a comment.
        HostedZoneConfig: { PrivateZone: isPrivate, Comment: 'of a test' },
        ...(isPrivate && { VPC: { VPCId: 'vpc-0a1b2c3d', VPCRegion: 'us-east-1' } })
      })
      const { HostedZone } = await client.send(command)
      return (HostedZone?.Id ?? '').replace('/hostedzone/', '')
    },
    put: (zone, ...sets) => change(zone, 'UPSERT', sets),
    remove: (zone, ...sets) => change(zone, 'DELETE', sets),
    at: async (zone, name) => {
      const { ResourceRecordSets = [] } = await client.send(new ListResourceRecordSetsCommand({ HostedZoneId: zone }))
      return ResourceRecordSets.filter((set) => set.Name?.replace('\\052', '*') === `${name}.`)
    },
    [Symbol.asyncDispose]: async () => {
      client.destroy()
      const exited = once(server, 'exit')
      server.kill('SIGTERM')
      await exited
    }
  }
}
