import { createConfigurationFolds } from './configuration-folds.js'
import { ControlTier } from './control-tier.js'
import { Dashboard } from './dashboard.js'
import { DnsView } from './dns-view.js'
import { byId } from './element.js'
import { EventsView } from './events-view.js'
import { GlanceView } from './glance-view.js'
import { HaproxyView } from './haproxy-view.js'
import { HealthView } from './health-view.js'
import { LifecycleView } from './lifecycle-view.js'
import { PodsView } from './pods-view.js'
import { ReaderToken } from './reader-token.js'
import { RoundsView } from './rounds-view.js'
import { ServerClock } from './server-clock.js'

const clock = new ServerClock()
const controlTier = new ControlTier(clock, new ReaderToken())
byId('configurations').append(...createConfigurationFolds(controlTier))

const dashboard = new Dashboard({
  clock,
  controlTier,
  health: new HealthView(clock),
  glance: new GlanceView(),
  events: new EventsView(clock),
  resources: [
    {
      name: 'pods',
      path: 'api/v1/pods',
      intervalMs: 10_000,
      events: ['pod-up', 'pod-down', 'pod-changed', 'pods-held', 'pods-released'],
      view: new PodsView(clock)
    },
    { name: 'haproxy', path: 'api/v1/haproxy', intervalMs: 5000, events: ['reconfigured'], view: new HaproxyView() },
    {
      name: 'rounds',
      path: 'api/v1/reconfigurations',
      intervalMs: 15_000,
      events: ['reconfigured'],
      view: new RoundsView(clock)
    },
    {
      name: 'lifecycle',
      path: 'api/v1/lifecycle',
      intervalMs: 15_000,
      events: ['state'],
      view: new LifecycleView(clock)
    },
    { name: 'dns', path: 'api/v1/dns', intervalMs: 15_000, events: ['dns', 'leader'], view: new DnsView(clock) }
  ]
})
dashboard.start()
