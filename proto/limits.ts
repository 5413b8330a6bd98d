// Every bound of the mesh, with what happens when it is reached. One table, so that none is hidden.

export const limits = {
  /** A longer datagram is neither sent (assertion) nor opened (dropped as `too-long`); below any usual path MTU. */
  datagramBytes: 1200,
  /** Coordinators in one mesh. More: `parseConfig` refuses. */
  coordinators: 7,
  /** A longer worker id, agent name or coordinator id is refused by configuration and dropped as `malformed` on the wire. */
  nameBytes: 200,
  /** A longer reason is cut at a character's boundary. */
  reasonBytes: 200,
  /** Questions of one doubt message, reports of one report; more are split over several datagrams. */
  reportsPerMessage: 12,
  /** Records in one heartbeat's page; more wait for the next page. A page also ends where the datagram would be too long. */
  recordsPerHeartbeat: 8,
  /** Begin times of recoveries kept and sent per worker; older ones are forgotten (caps are checked against at most this many). */
  revivalsRemembered: 12,
  /** Kills kept per container, of the last minute; older ones are forgotten, so that a flood of signals costs no memory. */
  killsRemembered: 16,
  /** Senders whose sequence a receiver follows; beyond it the one unheard for longest is forgotten. More than `workers`, or else no window would last. */
  replaySenders: 65_536,
  /** Sequence numbers a replay window spans; older ones are dropped as `replayed`. */
  replayWindow: 1024,
  /** A heartbeat that asks for a longer promise (ms) is refused: a restarted coordinator would have to wait it out. */
  promise: 600_000,
  /** Keys of one ring. More: configuration is refused. */
  keys: 8,
  /** A longer key is refused by configuration. */
  keyBytes: 1024,
  /** Workers of one mesh; beyond it discovery shows a finding and leaves the rest unwatched. */
  workers: 50_000,
  /** Inputs that wait for a machine; beyond it datagrams are dropped and counted, nothing else is. */
  driverQueue: 65_536,
} as const;
