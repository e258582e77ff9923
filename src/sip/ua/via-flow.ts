import type { Dialog } from '../dialog/dialog.js'
import type { Flow, Target } from '../transport/transport.js'

/**
 * The connection over which the dialog came carries its requests too, where they would go to the same address anyway or where nothing else can
 * reach the peer (WebSocket, RFC 7118 §5). Datagrams to the same address and port leave by the same listener.
 */
export const viaFlow = (target: Target, dialog: Dialog, flow: Flow | undefined): Target => {
  if (flow === undefined || !flow.open || dialog.routeSet.length > 0) return target
  const same = flow.transport === target.transport && flow.address === target.address && (flow.reliable || flow.port === target.port)
  return same || flow.transport === 'ws' || flow.transport === 'wss' ? { ...target, flow } : target
}
