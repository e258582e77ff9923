// The example call-centre server: `npm start`. Its settings, numbers and accounts are described in README.md beside this file.
import { startCallCenter } from './call-center.js'
import { readSettings } from './config.js'
import { describeFailure } from './failure.js'
import { followSettings } from './reload.js'
import { stopSignal } from './stop-signal.js'

try {
  const settings = readSettings(process.env)
  const center = await startCallCenter(settings)
  const { accounts } = center
  if (accounts.origin !== 'given') {
    const agents = accounts.agents.length > 1 ? `${accounts.agents[0]}-${accounts.agents.at(-1)}` : accounts.agents.join()
    console.error(`demo accounts ${agents} and ${accounts.supervisor}, password ${accounts.password}`)
  }
  console.log(`ready ${center.addresses.join(' ')}`)
  const running = new AbortController()
  followSettings(center, process.env, text => console.error(text), running.signal)
  await stopSignal()
  running.abort()
  await center.drain(settings.drainSeconds)
} catch (error) {
  console.error(describeFailure(error))
  process.exit(1)
}
