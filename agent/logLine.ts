// One line per event on standard error: time, level, message, then key=value. Never given a secret.

type Level = 'info' | 'warn' | 'error';
type Fields = Readonly<Record<string, string | number | undefined>>;
/** Where a part of the agent says what happens. */
export type WriteLine = (level: Level, message: string, fields?: Fields) => void;

/** `2026-03-01T08:00:00.000Z warn connection lost reason="transport close"`. */
function formatLine(atMs: number, level: Level, message: string, fields: Fields = {}): string {
  const pairs = Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => ` ${key}=${typeof value === 'number' ? String(value) : JSON.stringify(value)}`);
  return `${new Date(atMs).toISOString()} ${level} ${message}${pairs.join('')}`;
}

export const writeToStderr: WriteLine = (level, message, fields) => {
  process.stderr.write(`${formatLine(Date.now(), level, message, fields)}\n`);
};
