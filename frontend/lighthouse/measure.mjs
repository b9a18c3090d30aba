// `make lighthouse`: what Lighthouse says of the first pages on its phone profile, against the release binary with a city
// in it. Its score of performance moves with the machine, so it is taken several times, and twice: with the slowdown that
// Lighthouse has by default, and with the one that its documentation gives for the processor it ran on
// (https://github.com/GoogleChrome/lighthouse/blob/main/docs/throttling.md, "Calibrating the CPU slowdown").
import { execFile, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout } from 'node:timers/promises'
import { promisify } from 'node:util'
import { launch } from 'chrome-launcher'
import lighthouse from 'lighthouse'

const PAGES = ['/', '/sign-in', '/?view=map']
const CATEGORIES = ['performance', 'accessibility', 'best-practices', 'seo']
const GOAL = 95
const BY_DEFAULT = 4
const RUNS = Number(process.env.RUNS ?? 5)
const binary = resolve(import.meta.dirname, '../../target/release/parking')

/** Lighthouse's own phone: 150 ms to the server, 1.6 Mbit/s. */
const PHONE = {
  rttMs: 150,
  throughputKbps: 1638.4,
  requestLatencyMs: 562.5,
  downloadThroughputKbps: 1474.56,
  uploadThroughputKbps: 675,
}

/** From a desktop of this benchmark index to a phone of the middle. */
const calibrated = (index) => (index < 800 ? 1 : index < 1500 ? 2 : 4)

/** The browser starts pages of its own, for its address bar say, which would compete with ours on two cores. */
const BROWSER_STARTS_MS = 4_000

const say = (line) => process.stdout.write(`${line}\n`)
// Of an even number the worse of the two in the middle.
const median = (values) => values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) / 2)]

async function serve(folder) {
  const env = { DATA_DIR: folder, LISTEN: '127.0.0.1:0', RATE_LIMIT: 'off' }
  await promisify(execFile)(binary, ['demo', '--days', '30'], { cwd: folder, env })
  const child = spawn(binary, ['serve'], { cwd: folder, env, stdio: ['ignore', 'ignore', 'pipe'] })
  for await (const line of createInterface({ input: child.stderr })) {
    const url = /listening on (http:\/\/\S+)/.exec(line)?.[1]
    if (!url) continue
    child.stderr.resume()
    return { url, child }
  }
  throw new Error('the server did not start')
}

async function measure(url, cpuSlowdownMultiplier) {
  // A new profile each time: nothing is remembered.
  const chrome = await launch({
    chromePath: process.env.CHROMIUM,
    chromeFlags: [
      ...['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
      ...['--disable-background-networking', '--disable-component-update', '--disable-sync'],
    ],
  })
  try {
    await setTimeout(BROWSER_STARTS_MS)
    const flags = { port: chrome.port, onlyCategories: CATEGORIES, logLevel: 'error' }
    const throttling = { ...PHONE, cpuSlowdownMultiplier }
    const { lhr } = await lighthouse(url, { ...flags, throttling })
    if (lhr.runtimeError) throw new Error(lhr.runtimeError.message)
    const scores = CATEGORIES.map((name) => Math.round(lhr.categories[name].score * 100))
    return { scores, index: lhr.environment.benchmarkIndex }
  } finally {
    chrome.kill()
  }
}

const folder = await mkdtemp(join(tmpdir(), 'parking-lighthouse-'))
const { url, child } = await serve(folder)
let missed = 0
try {
  say(`Medians of ${RUNS} runs; the goal is ${GOAL} each.\n`)
  say(`| page | processor | slowdown | ${CATEGORIES.join(' | ')} |`)
  say('| --- | ---: | ---: | ---: | ---: | ---: | ---: |')
  for (const page of PAGES) {
    const rounds = []
    for (let run = 0; run < RUNS; run++) {
      const first = await measure(url + page, BY_DEFAULT)
      const slowdown = calibrated(first.index)
      const second = slowdown === BY_DEFAULT ? first : await measure(url + page, slowdown)
      rounds.push({ first, second, slowdown })
    }
    const row = (name, slowdown, of) => {
      const scores = CATEGORIES.map((_, n) => median(rounds.map((round) => of(round).scores[n])))
      const index = Math.round(median(rounds.map((round) => of(round).index)))
      say(`| \`${page}\` ${name} | ${index} | ${slowdown} | ${scores.join(' | ')} |`)
      return scores
    }
    row('by default', BY_DEFAULT, (round) => round.first)
    const scores = row(
      'calibrated',
      median(rounds.map(({ slowdown }) => slowdown)),
      (round) => round.second,
    )
    missed += scores.filter((score) => score < GOAL).length
  }
} finally {
  child.kill('SIGTERM')
  await new Promise((done) => child.once('exit', done))
  await rm(folder, { recursive: true, force: true })
}
if (missed > 0) {
  say(`\n${missed} calibrated scores are below ${GOAL}.`)
  process.exitCode = 1
}
