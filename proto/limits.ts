// Every bound of the mesh, with what happens when it is reached. One table, so that none is hidden.

export const limits = {
  /** A longer datagram is neither sent (assertion) nor opened (dropped as `too-long`); below any usual path MTU. */
  datagramBytes: 1200,
  /** Coordinators in one mesh. More: `parseConfig` refuses. */
  coordinators: 7,
  /** Names and addresses of a set of coordinators together; a change to a longer one is refused, since a heartbeat carries it. */
  memberSetBytes: 800,
  /** A longer worker id, agent name or coordinator id is refused by configuration and dropped as `malformed` on the wire; a container or agent whose worker id would be longer is shown as a finding, and not watched. */
  nameBytes: 200,
  /** A longer reason is cut at a character's boundary. */
  reasonBytes: 200,
  /** Questions of one doubt message, reports of one report; more are split over several datagrams. */
  reportsPerMessage: 12,
  /** Records in one heartbeat's page; more wait for the next page. A page also ends where the datagram would be too long. */
  recordsPerHeartbeat: 8,
  /** Workers, watched or once watched, whose record is kept; beyond it what others tell of further ones is not taken. */
  recordsKept: 200_000,
  /** Begin times of recoveries kept and sent per worker; older ones are forgotten (caps are checked against at most this many). */
  revivalsRemembered: 12,
  /** Kills kept per container, of the last minute; older ones are forgotten, so that a flood of signals costs no memory. */
  killsRemembered: 16,
  /** Senders whose sequence a receiver follows; beyond it the one unheard for longest is forgotten. More than `workers`, or else no window would last. */
  replaySenders: 65_536,
  /** Sequence numbers a replay window spans; older ones are dropped as `replayed`. */
  replayWindow: 1024,
  /** A higher term, epoch, count of tries or version of a set is dropped as `malformed`, so that counting on from it stays exact (2^53) for ever. */
  counter: 2 ** 48,
  /** A term of another coordinator that is further above ours is ignored, unless our own was lost: no mesh elects so often, and one false word must not end the terms there are. */
  termLeap: 2 ** 32,
  /** A heartbeat that asks for a longer promise (ms) is refused: a restarted coordinator would have to wait it out. */
  promise: 600_000,
  /** A longer grant to a host's agent (ms) is refused by configuration and dropped as `malformed`. */
  grant: 600_000,
  /** Answers to one coordinator that a host's agent remembers; a grant that names an older one is ignored. */
  answersRemembered: 64,
  /** Coordinators whose grants a host's agent remembers; beyond it the one unheard for longest is forgotten. */
  granters: 14,
  /** Keys of one ring. More: configuration is refused. */
  keys: 8,
  /** A longer key is refused by configuration. */
  keyBytes: 1024,
  /** Workers of one mesh; beyond it discovery shows a finding and leaves the rest unwatched. */
  workers: 50_000,
  /** Swarms of SWARMS. More: configuration is refused. */
  swarms: 50,
  /** Parameters of a template. More: refused. */
  templateParameters: 100,
  /** Characters of a template, since every list of templates is read whole. More: refused. */
  templateText: 65_536,
  /** Documents of one kind that people gave (templates, scaling policies, clusters). More: refused. */
  documents: 1_000,
  /** JSON of one such document in a backup. Longer: the whole backup is refused. */
  documentBytes: 8_388_608,
  /** A longer body is refused where a backup is restored (413). */
  backupBytes: 33_554_432,
  /** Services of one cluster of containers. More: the call is refused. */
  clusterServices: 2_000,
  /** Nodes of one cluster of containers. More: the call is refused. */
  clusterNodes: 100,
  /** Calls in the log of one cluster that have not ended. More: 503. */
  clusterOpen: 1_000,
  /** Calls kept in the log of one cluster; the oldest that have ended are forgotten. */
  clusterLog: 2_000,
  /** Addresses whose wrong tokens at sign-in are counted; beyond it the count that began first is forgotten. */
  failedSignIns: 10_000,
  /** Inputs that wait for a machine; beyond it datagrams are dropped and counted, nothing else is. */
  driverQueue: 65_536,
  /** Workers whose round trips and standings of the last ten minutes each coordinator remembers, at 1,800 bytes each; of further ones nothing is. */
  historyWorkers: 10_000,
  /** Characters of a container's last lines; the oldest are left out. */
  logText: 1_048_576,
  /** The flight recorder's memory. Beyond it the oldest blocks are dropped; what is left of a segment without its begin is read, not replayed. */
  recorderBytes: 33_554_432,
  /** Objects of one checkpoint, at 28 a worker. Writing one holds the mesh thread by 1.1 µs each (measured), so by 55 ms at most. A larger core is recorded without checkpoints: from its start while memory lasts, then it is told and not replayed. */
  recorderObjects: 50_000,
} as const;
