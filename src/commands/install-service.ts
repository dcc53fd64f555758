import type { Command } from "../config/commands.ts";

type InstallOptions = Extract<Command, { name: "install-service" }>["options"];

const PROGRAM = "/usr/local/bin/do-intent";
const UNIT_PATH = "/etc/systemd/system/do-intent.service";

/** Prints a hardened systemd unit; how to put it in place is told beside it, so that the output can be a file. */
export function runInstallService(
  options: InstallOptions,
  write: (line: string) => void,
  writeBeside: (line: string) => void,
): number {
  write(unitText(options));
  for (const line of STEPS) writeBeside(line);
  return 0;
}

const STEPS = [
  "do-intent: to enable it, as root:",
  `  install -m 755 do-intent ${PROGRAM}`,
  `  do-intent install-service > ${UNIT_PATH}`,
  "  systemctl daemon-reload && systemctl enable --now do-intent",
  "  journalctl -u do-intent    # holds the secret key of the first start: keep it, it is not shown again",
];

function unitText({ config, host, port, origins }: InstallOptions): string {
  const flags = [
    "--data /var/lib/do-intent",
    ...(config === null ? [] : [`--config ${quoted(config)}`]),
    `--host ${host}`,
    `--port ${port}`,
    ...origins.map((origin) => `--origin ${quoted(origin)}`),
    "--log json",
  ];
  return `[Unit]
Description=DO-Intent
Wants=network-online.target
After=network-online.target

[Service]
ExecStart=${PROGRAM} serve ${flags.join(" ")}
${SERVICE}`;
}

/** The user is made by systemd and owns the state directory alone; of the system it sees what a network service needs. */
const SERVICE = `ExecReload=/bin/kill -HUP $MAINPID
EnvironmentFile=-/etc/do-intent/secrets.env
Restart=always
RestartSec=1
TimeoutStopSec=10
LimitNOFILE=65536

DynamicUser=yes
StateDirectory=do-intent
StateDirectoryMode=0700
UMask=0077
CapabilityBoundingSet=
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=yes
ProtectProc=invisible
ProcSubset=pid
PrivateTmp=yes
PrivateDevices=yes
PrivateUsers=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
RemoveIPC=yes
LockPersonality=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
SystemCallErrorNumber=EPERM

[Install]
WantedBy=multi-user.target`;

/** As systemd reads a command line: a percent sign begins a specifier, a dollar sign a variable. */
function quoted(word: string): string {
  const escaped = word.replaceAll("%", "%%").replaceAll("$", "$$$$");
  return /^[\w./:*%$@+-]+$/.test(escaped) ? escaped : `"${escaped.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
}
