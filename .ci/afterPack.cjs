// After electron-builder has laid out an application, before it sets the fuses: fits both to the runtime it was given.
const { rmSync } = require('node:fs');
const { join } = require('node:path');

exports.default = (context) => {
  // A runtime folder of our own choice brings these along; the official archive's are removed by the builder itself.
  for (const name of ['resources/default_app.asar', 'version'])
    rmSync(join(context.appOutDir, name), { force: true });
  // This fuse came with Electron 29; the preview runtime's wire is too short for it.
  const { config, info } = context.packager;
  if (Number.parseInt(info.framework.version, 10) < 29)
    delete config.electronFuses.grantFileProtocolExtraPrivileges;
};
