// The example call-centre server: `npm start`. Its settings, numbers and accounts are described in README.md beside this file.
import { startCallCenter } from './call-center.js'
import { ConfigurationError, readSettings } from './config.js'
import { stopSignal } from './stop-signal.js'

try {
  const settings = readSettings(process.env)
  const center = await startCallCenter(settings)
  if (center.accounts.origin !== 'given') console.error(`demo accounts ${center.accountRange}, password ${center.accounts.password}`)
  console.log(`ready ${center.addresses.join(' ')}`)
  await stopSignal()
  await center.drain(settings.drainSeconds)
} catch (error) {
  console.error(error instanceof ConfigurationError ? error.message : error)
  process.exitCode = 1
}
