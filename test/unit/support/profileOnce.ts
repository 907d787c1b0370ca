// Prints one profile of this machine as JSON, taken with the rights and the PATH that this process was given.
import { Profiler } from '../../../agent/profile/profiler.ts';

const profiler = new Profiler((profile) => {
  console.log(JSON.stringify(profile));
  profiler.stop();
}, 1);
profiler.start();
