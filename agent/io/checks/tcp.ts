// Does anybody accept a TCP connection there? It proves the kernel's listener, not the process behind it: a hung one still accepts.

import { connect } from "node:net";
import { fromError, settleOnce, type CheckAnswer, type CheckLimits } from "./result.ts";

export interface TcpCheck {
  readonly host: string;
  readonly port: number;
}

export function checkTcp(options: TcpCheck & CheckLimits): Promise<CheckAnswer> {
  return settleOnce(options, (answer) => {
    const socket = connect({ host: options.host, port: options.port });
    socket.once("connect", () => {
      answer({ ok: true });
    });
    socket.on("error", (error) => {
      answer(fromError(error));
    });
    return () => {
      socket.destroy();
    };
  });
}
