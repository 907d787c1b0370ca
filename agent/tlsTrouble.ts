// Why TLS did not come about, in words that say what to do.
import { connect } from 'node:tls';

const answerWithinMs = 2_000;

/** Patterns of what OpenSSL, BoringSSL and Node say. The first that fits. */
const remedies: readonly (readonly [RegExp, string])[] = [
  [
    /wrong.version.number|packet length too long/i,
    'the hub speaks no TLS at this address: start the agent with http:// in place of https://, or the hub with TLS',
  ],
  [
    /self.signed certificate|issuer certificate|unable to verify|certificate signature failure/i,
    "the hub's certificate is not of the authority that this node enrolled with; if the hub was set up anew, start " +
      'the agent with a new enrolment code, and otherwise somebody stands in between',
  ],
  [/certificate has expired/i, "the hub's certificate has ended: are the clocks of hub and node right?"],
  [
    /certificate is not yet valid/i,
    "the hub's certificate begins later: are the clocks of hub and node right?",
  ],
  [
    /does not match certificate's altnames/i,
    "the hub's certificate does not name this address: start the hub with --tls-name and the name or address in --hub",
  ],
];

/** As it was said, with what to do where that is known. */
export function withRemedy(said: string): string {
  const found = remedies.find(([pattern]) => pattern.test(said));
  return found === undefined ? said : `${found[1]} (${said.trim().slice(0, 200)})`;
}

/** What a client without TLS sees of a server with it: nothing, or bytes that are no HTTP. */
export const mayBeTls = (said: string): boolean => /socket hang up|ECONNRESET|Parse Error/i.test(said);

/** Does whoever listens there speak TLS? Only a handshake, nothing is trusted and nothing said. */
export function speaksTls(url: string): Promise<boolean> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve) => {
    const socket = connect({
      host: hostname.replace(/^\[|\]$/g, ''),
      port: Number(port || 80),
      rejectUnauthorized: false,
    });
    const end = (isTls: boolean): void => {
      socket.destroy();
      resolve(isTls);
    };
    socket.setTimeout(answerWithinMs, () => {
      end(false);
    });
    socket.on('error', () => {
      end(false);
    });
    socket.once('secureConnect', () => {
      end(true);
    });
  });
}
