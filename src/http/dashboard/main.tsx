import { render } from 'preact'
import 'uplot/dist/uPlot.min.css'
import { Connection } from './live/connection.ts'
import { ControlTier } from './live/control-tier.ts'
import { ConnectionContext } from './live/hooks.ts'
import './page.css'
import { Page } from './page.tsx'

const { app = '', id = '' } = document.body.dataset
const connection = new Connection(new ControlTier())
render(
  <ConnectionContext.Provider value={connection}>
    <Page app={app} id={id} />
  </ConnectionContext.Provider>,
  document.body
)
connection.start()
