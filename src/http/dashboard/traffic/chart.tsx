import { useEffect, useMemo, useRef } from 'preact/hooks'
import uPlot from 'uplot'
import type { Reconfiguration } from '../answers.ts'
import { KEPT } from './traffic-series.ts'
import { clockTime, figure } from '../../../model/words/figures.ts'

const SPARK = { width: 120, height: 22 }

/** The shape of the last quarter of an hour; its figures stand beside it as text. */
export function Sparkline({ values }: { values: readonly (number | null)[] }) {
  const most = Math.max(1, ...values.map((value) => value ?? 0))
  const points = values.flatMap((value, index) =>
    value === null
      ? []
      : [
          `${((index + KEPT - values.length) / (KEPT - 1)) * SPARK.width},${SPARK.height - 1 - (value / most) * (SPARK.height - 2)}`
        ]
  )
  return (
    <svg class="spark" viewBox={`0 0 ${SPARK.width} ${SPARK.height}`} aria-hidden="true">
      <polyline points={points.join(' ')} />
    </svg>
  )
}

interface ChartProps {
  /** What is read out in place of the picture. */
  label: string
  at: readonly string[]
  lines: readonly { label: string; values: readonly (number | null)[]; colour: string }[]
  reconfigurations: readonly Reconfiguration[]
}

const CHART_HEIGHT = 160
const QUARTER_HOUR_S = 900

/** Lines over the last quarter of an hour, with a mark for each reconfiguration. */
export function Chart({ label, at, lines, reconfigurations }: ChartProps) {
  const place = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot>()
  const marks = useRef(reconfigurations)
  marks.current = reconfigurations
  const data = useMemo(
    () => [at.map((moment) => Date.parse(moment) / 1000), ...lines.map(({ values }) => values)] as uPlot.AlignedData,
    [at, lines]
  )
  useEffect(() => {
    const element = place.current
    if (element === null) return undefined
    const chart = new uPlot(
      optionsOf(element, lines, () => marks.current),
      data,
      element
    )
    plot.current = chart
    const follow = new ResizeObserver(() => chart.setSize({ width: element.clientWidth, height: CHART_HEIGHT }))
    follow.observe(element)
    const redraw = (): void => chart.redraw()
    const dark = matchMedia('(prefers-color-scheme: dark)')
    dark.addEventListener('change', redraw)
    return () => {
      follow.disconnect()
      dark.removeEventListener('change', redraw)
      chart.destroy()
    }
  }, [])
  useEffect(() => plot.current?.setData(data), [data])
  return <div class="chart" ref={place} role="img" aria-label={label} />
}

function optionsOf(
  element: HTMLElement,
  lines: ChartProps['lines'],
  reconfigurations: () => readonly Reconfiguration[]
): uPlot.Options {
  const colour = (name: string) => () => getComputedStyle(element).getPropertyValue(name)
  const axis = { stroke: colour('--quiet'), grid: { stroke: colour('--line'), width: 1 }, ticks: { show: false } }
  return {
    width: element.clientWidth,
    height: CHART_HEIGHT,
    cursor: { y: false, drag: { setScale: false } },
    scales: {
      x: { range: (_plot, _min, max) => [max - QUARTER_HOUR_S, max] },
      y: { range: (_plot, _min, max) => [0, Math.max(1, max * 1.1)] }
    },
    axes: [
      {
        ...axis,
        size: 28,
        values: (_plot, seconds) => seconds.map((second) => clockTime(second * 1000, second * 1000).slice(0, 5))
      },
      { ...axis, size: 56, values: (_plot, values) => values.map((value) => figure(value)) }
    ],
    series: [
      { label: 'UTC', value: (_plot, second) => (second === null ? '–' : clockTime(second * 1000, second * 1000)) },
      ...lines.map(({ label, colour: name }) => ({
        ...{ label, stroke: colour(name), width: 1.5, points: { show: false } },
        value: (_plot: uPlot, value: number | null) => figure(value)
      }))
    ],
    hooks: { draw: [(plot) => drawMarks(plot, reconfigurations(), colour)] }
  }
}

function drawMarks(
  plot: uPlot,
  reconfigurations: readonly Reconfiguration[],
  colour: (name: string) => () => string
): void {
  const { ctx, bbox } = plot
  const { min, max } = plot.scales.x ?? {}
  ctx.save()
  for (const { startedAt, outcome } of reconfigurations) {
    const second = Date.parse(startedAt) / 1000
    if (outcome === 'unchanged' || second < (min ?? 0) || second > (max ?? 0)) continue
    ctx.strokeStyle = colour(outcome === 'failed' ? '--bad' : '--ok')()
    ctx.setLineDash(outcome === 'failed' ? [4, 4] : [])
    const x = Math.round(plot.valToPos(second, 'x', true))
    ctx.beginPath()
    ctx.moveTo(x, bbox.top)
    ctx.lineTo(x, bbox.top + bbox.height)
    ctx.stroke()
  }
  ctx.restore()
}
