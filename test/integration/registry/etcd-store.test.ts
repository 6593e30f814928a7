import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { systemClock } from '../../../src/platform/clock.ts'
import { EtcdStore } from '../../../src/registry/etcd/store.ts'
import { storeContract } from '../../contract/store.contract.ts'
import { startEtcd, type EtcdCluster } from '../../support/start-etcd.ts'
import { silentLogger } from '../../support/test-logger.ts'

let etcd: EtcdCluster
let apps = 0

const createStore = (app: string, hosts = etcd.hosts): EtcdStore =>
  new EtcdStore({
    hosts,
    namespace: 'test',
    app,
    id: 'm',
    foverMs: 2000,
    ttlMs: 5000,
    clock: systemClock,
    logger: silentLogger(),
    openTimeoutMs: 500
  })

beforeAll(async () => {
  etcd = await startEtcd()
})
afterAll(() => etcd[Symbol.asyncDispose]())

storeContract('EtcdStore', async () => {
  const app = `contract-${apps++}`
  return { createStore: () => createStore(app), dispose: async () => {} }
})

describe('EtcdStore', () => {
  it('says with a hint that etcd cannot be reached', async () => {
    const store = createStore('nowhere', ['http://127.0.0.1:1'])

    await expect(store.open({} as never)).rejects.toMatchObject({
      code: 'KTL_STORE_UNAVAILABLE',
      message: expect.stringContaining('http://127.0.0.1:1') as string,
      hint: expect.stringContaining('KONTROL_ETCD') as string
    })
    await store.close()
  })
})
