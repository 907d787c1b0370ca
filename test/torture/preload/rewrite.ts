// Constants of the program that a trial needs smaller: replaced in the source as it is loaded, or the start fails.
import { registerHooks } from 'node:module';

export interface Rewrite {
  /** End of the file's address. */
  readonly file: string;
  readonly from: RegExp;
  readonly to: string;
}

/** Throws while the file is loaded where the text is not there: a rig that changes nothing must not seem to work. */
export function rewriteSources(rewrites: readonly Rewrite[]): void {
  registerHooks({
    load: (url, context, nextLoad) => {
      const loaded = nextLoad(url, context);
      const wanted = rewrites.filter(({ file }) => url.endsWith(file));
      if (wanted.length === 0 || !loaded.source) return loaded;
      let text = Buffer.from(loaded.source as Uint8Array).toString('utf8');
      for (const { from, to } of wanted) {
        if (!from.test(text)) throw new Error(`torture rig: ${String(from)} is not in ${url}`);
        text = text.replace(from, to);
      }
      return { ...loaded, source: text };
    },
  });
}
