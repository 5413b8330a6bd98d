// Every variable that a coordinator reads: its name, its default and what it means. Parsing, `heartmesh config` and the README go by this table.

import type { VariableRow } from "../proto/config-parse.ts";

export const coordinatorVariables = [
  {
    name: "COORDINATOR_ID",
    default: "",
    text: "This coordinator's name in COORDINATORS.",
  },
  {
    name: "COORDINATORS",
    default: "",
    text: "All coordinators, the same list on each: c1=host:port,c2=host:port,… 1 to 7; an odd number. `heartmesh coordinators` changes the set later.",
  },
  {
    name: "COORDINATOR_URLS",
    default: "",
    text: "Where each coordinator's HTTP answers, for forwarded writes: c1=http://host:port,… Default: the host of COORDINATORS with HTTP_PORT.",
  },
  { name: "CLUSTER_ID", default: "heartmesh", text: "Datagrams of another cluster are dropped." },
  {
    name: "MESH_PORT",
    default: "7700",
    text: "UDP port on which the coordinators hear each other.",
  },
  {
    name: "MESH_KEY",
    default: "",
    secret: true,
    text: "Key ring that authenticates datagrams, the same on coordinators and agents. A key file is read again when it changes.",
  },
  {
    name: "MESH_INSECURE",
    default: "0",
    text: "1 starts without MESH_KEY. Anybody on the network may then forge datagrams.",
  },
  {
    name: "CHECK_INTERVAL",
    default: "1",
    text: "How often each coordinator pings each worker. Shorter finds failures sooner and costs packets in proportion.",
  },
  {
    name: "TIMEOUT",
    default: "0.5",
    text: "How long one attempt may take, retransmissions included; less than CHECK_INTERVAL.",
  },
  {
    name: "MAX_FAILED_ATTEMPTS",
    default: "3",
    text: "Attempts that must fail in a row before a coordinator calls a worker down. Silence is found after about CHECK_INTERVAL/3 + TIMEOUT · MAX_FAILED_ATTEMPTS.",
  },
  {
    name: "HEARTBEAT_INTERVAL",
    default: "0.1",
    text: "How often coordinators send each other heartbeats.",
  },
  {
    name: "LEADER_TIMEOUT",
    default: "0.75",
    text: "Silence of the leader before another stands; at least 3 × HEARTBEAT_INTERVAL. Longer survives worse networks and heals later after a leader's death.",
  },
  {
    name: "AGENT_PORT",
    default: "8888",
    text: "UDP port of agents, where no label says otherwise, and of this coordinator's own agent.",
  },
  {
    name: "WORKER_LABEL",
    default: "role=node",
    text: "Labels that make a container a worker: key or key=value, several by commas; one of them suffices.",
  },
  {
    name: "WORKERS",
    default: "",
    text: "Workers that no label announces: name=host:port[@container],…; this address goes before what their agents announce.",
  },
  {
    name: "HOSTS",
    default: "",
    text: "Hosts whose agents (AGENT_SCOPE=host) are watched: name=host:port,…; the nodes of a Swarm that an engine of DOCKER_HOST manages are watched without it.",
  },
  {
    name: "STOP_POLICY",
    default: "revive",
    text: "revive: a worker that somebody stopped is started after STOP_HOLD. respect: it stays stopped.",
  },
  {
    name: "STOP_HOLD",
    default: "3",
    text: "Quiet time after somebody's stop before the worker is started; begins anew with each stop in the same project.",
  },
  {
    name: "MAX_TRIES",
    default: "3",
    text: "Tries of one recovery; then the worker is quarantined.",
  },
  {
    name: "BACKOFF",
    default: "1",
    text: "Wait before the second try; it doubles with each further one, ±25 %.",
  },
  { name: "BACKOFF_MAX", default: "60", text: "The longest wait between two tries." },
  {
    name: "MAX_REVIVALS",
    default: "5",
    text: "Recoveries of one worker within REVIVAL_WINDOW; more mean quarantine even if each succeeded. At most 12.",
  },
  { name: "REVIVAL_WINDOW", default: "600", text: "The window of MAX_REVIVALS." },
  {
    name: "QUARANTINE_RELEASE",
    default: "1800",
    text: "Health without a break that ends a quarantine.",
  },
  {
    name: "VERIFY_WINDOW",
    default: "5",
    text: "How long a worker must stay healthy after its first sign of life before its recovery has succeeded.",
  },
  {
    name: "BRAKE_FRACTION",
    default: "0.3",
    text: "Share of workers failing within BRAKE_WINDOW without a common cause beyond which recoveries go one by one.",
  },
  { name: "BRAKE_MIN", default: "5", text: "Failing workers below which the brake never trips." },
  { name: "BRAKE_WINDOW", default: "10", text: "The window of BRAKE_FRACTION." },
  {
    name: "PRIMARY_LABEL",
    default: "primary",
    text: "The label of Swarm nodes that services are tied to: a value of the node label type, or key=value.",
  },
  {
    name: "SECONDARY_LABEL",
    default: "secondary",
    text: "The label of the nodes that they move to when their host falls out; heartmesh.migrate.to on a service goes before it.",
  },
  {
    name: "FAILBACK",
    default: "manual",
    text: "What happens to moved services when their host is back: manual (heartmesh failback), auto (after FAILBACK_AFTER), never. What need not move for it gets its own placement back at once.",
  },
  {
    name: "FAILBACK_AFTER",
    default: "300",
    text: "How long a host must have been well before FAILBACK=auto; twice as long for each further death that is remembered.",
  },
  {
    name: "FENCE_AFTER",
    default: "5",
    text: "A host whose agent no quorum grants for so long stops its containers with heartmesh.fence; the same on every coordinator. Not given, it is as much more as the other times need.",
  },
  {
    name: "FENCE_ON_TRIO_LOSS",
    default: "keep",
    text: "keep: coordinators that stop on purpose say goodbye, and where too few are left to move anything, what is fenced runs on. stop: it is stopped.",
  },
  {
    name: "DATA_DIR",
    default: "/var/lib/heartmesh",
    text: "Directory for term, vote, journal and the private Redis. Losing it costs this coordinator its vote until it heard both others.",
  },
  {
    name: "REDIS_URL",
    default: "",
    secret: true,
    text: "redis://, rediss://, unix:///socket or redis+sentinel://host:port,host:port/name. Unset: a private redis-server is kept under DATA_DIR.",
  },
  {
    name: "DOCKER_HOST",
    default: "unix:///var/run/docker.sock",
    text: "Engines: unix://, tcp:// or ssh://, several by commas, each with an optional name= before it; none for no engine.",
  },
  {
    name: "DOCKER_WRITE_HOST",
    default: "",
    text: "Where writes to the engines go (a second proxy), in the order or with the names of DOCKER_HOST. Default: the same.",
  },
  {
    name: "DOCKER_TLS_VERIFY",
    default: "",
    text: "Any value: tcp:// engines are reached by TLS and verified with the files of DOCKER_CERT_PATH.",
  },
  {
    name: "DOCKER_CERT_PATH",
    default: "",
    text: "Directory of ca.pem, cert.pem and key.pem; read again when they change.",
  },
  {
    name: "SWARMS",
    default: "",
    secret: true,
    text: "More Swarms that the API manages (and nobody watches): name=engine engine,name=engine, each engine as in DOCKER_HOST.",
  },
  {
    name: "SWARMS_CERT_PATH",
    default: "",
    text: "With DOCKER_TLS_VERIFY: a directory for each of SWARMS, called as it is, with its ca.pem, cert.pem and key.pem. Default: those of DOCKER_CERT_PATH.",
  },
  {
    name: "CLUSTER_IMAGE",
    default: "",
    text: "The image of containers of clusters for which a call names none.",
  },
  {
    name: "CLUSTER_NODE_IMAGE",
    default: "",
    text: "An image of an engine (docker:dind): nodes with spawn are privileged containers of it. Unset: shares of the cluster's own engine.",
  },
  {
    name: "HTTP_HOST",
    default: "127.0.0.1",
    text: "Address on which HTTP listens; 0.0.0.0 where API_TOKENS are given. Beyond loopback API_TOKENS are needed.",
  },
  { name: "HTTP_PORT", default: "8080", text: "Port of API, Bull Board and documentation." },
  {
    name: "CHECK_PORT",
    default: "",
    text: "TCP port, on HTTP_HOST, of HAProxy's agent checks (agent-send names a worker, service:<name>[@<host>] or host:<name>); off unless given.",
  },
  {
    name: "HTTP_TLS_CERT",
    default: "",
    text: "File of the certificate chain (PEM); read again when it changes.",
  },
  { name: "HTTP_TLS_KEY", default: "", text: "File of its private key (PEM)." },
  {
    name: "API_TOKENS",
    default: "",
    secret: true,
    text: "role:token or name:role:token, separated by commas or lines; roles viewer, operator, admin; tokens of 16 characters or more.",
  },
  { name: "METRICS_OPEN", default: "0", text: "1: /metrics answers without a token." },
  {
    name: "CORS_ORIGINS",
    default: "",
    text: "Pages of these origins may ask the API from a browser (https://host,http://host:port); none unless given.",
  },
  {
    name: "SLACK_WEBHOOK_URL",
    default: "",
    secret: true,
    text: "Incoming webhook of Slack for notifications.",
  },
  {
    name: "WEBHOOK_URL",
    default: "",
    secret: true,
    text: "Any HTTP listener; gets each notification as JSON.",
  },
  {
    name: "WEBHOOK_SECRET",
    default: "",
    secret: true,
    text: "Signs what WEBHOOK_URL gets: header x-heartmesh-signature.",
  },
  {
    name: "SMTP_URL",
    default: "",
    secret: true,
    text: "smtp://user:password@host:587 or smtps://… for notifications by e-mail.",
  },
  { name: "SMTP_FROM", default: "", text: "Sender of e-mails." },
  { name: "SMTP_TO", default: "", text: "Receivers of e-mails, separated by commas." },
  {
    name: "NOTIFY_RATE",
    default: "30",
    text: "Messages a minute on each channel; the surplus is summed up in one digest. Quarantine, brake and losses always go.",
  },
  {
    name: "DEADMAN_URL",
    default: "",
    secret: true,
    text: "Called every minute while this coordinator leads with a lease; its silence is the alarm.",
  },
  {
    name: "RETENTION",
    default: "30d,100000",
    text: "How long, and how many at most, events, recoveries and changes by people are kept.",
  },
  {
    name: "RECORD_SPAN",
    default: "10m",
    text: "The flight recorder keeps at least so much of what this coordinator was told and decided, within 32 MiB; 0 turns it off.",
  },
  {
    name: "FAULT_INJECTION",
    default: "0",
    text: "1 lets an admin cut links between coordinators by `POST /connections`; for tests only, and warned of at the start.",
  },
  {
    name: "LOG_LEVEL",
    default: "info",
    text: "fatal, error, warn, info, debug, trace or silent.",
  },
] as const satisfies readonly VariableRow[];

/** The name of a variable that the table has. */
export type VariableName = (typeof coordinatorVariables)[number]["name"];

/** Variables of the command line alone; listed so that their misspellings are named too. */
export const commandLineVariables = [
  {
    name: "HEARTMESH_URL",
    default: "http://127.0.0.1:8080",
    text: "The coordinator that the command line asks.",
  },
  { name: "HEARTMESH_TOKEN", default: "", secret: true, text: "The token it shows." },
  { name: "NO_COLOR", default: "", text: "Any value: no colours, on a terminal either." },
] as const satisfies readonly VariableRow[];
