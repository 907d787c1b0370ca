// The names of everything that crosses between a window and main. Console traffic does not: it has a port of its own.
export const ipcChannels = {
  /** window -> main, answered. */
  getHostState: 'millrace:get-host-state',
  requestHostPort: 'millrace:request-host-port',
  startLocalAgent: 'millrace:start-local-agent',
  /** main -> window. */
  hostState: 'millrace:host-state',
  hostPort: 'millrace:host-port',
} as const;

/** Facts for the bridge that a sandboxed preload cannot find out by itself: an argument of its process. */
export const bridgeFactsArgument = '--millrace-facts=';
