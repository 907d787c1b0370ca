// Once before all end-to-end tests: an up-to-date build, and an Electron to run it in.
import { build } from '../../.ci/build.ts';
import { findElectron } from '../../.ci/electronRuntime.ts';

export default async function setup(): Promise<void> {
  await build();
  await findElectron();
}
