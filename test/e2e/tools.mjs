/**
 * Finds the programs that the tests need. If one is missing, its test fails with
 * instructions. Only snippets in a language that this machine lacks are left out.
 */
import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';

const PACKAGES = {
  apache2: 'libapache2-mod-auth-openidc',
  curl: 'curl',
  git: 'git',
  'oidc-agent': 'oidc-agent-cli',
  'redis-server': 'redis-server',
  zbarimg: 'zbar-tools',
};

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Servers are in /usr/sbin, which the PATH of users lacks. */
function find(name) {
  return [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin'].map((folder) => join(folder, name)).find(isExecutable);
}

/** Whether a program is installed that only a part of a test needs. */
export function has(name) {
  return find(name) !== undefined;
}

/** The path of a program in a Debian package. */
export function tool(name) {
  const path = find(name);
  if (!path) throw new Error(`${name} is missing: apt-get install ${PACKAGES[name] ?? name}`);
  return path;
}

/** Chromium without the user interface of a browser, which needs half of the processor time; or what CHROMIUM names. */
export function chromiumPath() {
  const path = process.env.CHROMIUM || '/usr/bin/chromium-headless-shell';
  if (!isExecutable(path)) {
    throw new Error(`${path} is missing: apt-get install chromium-headless-shell, or name another one in CHROMIUM`);
  }
  return path;
}

/** Debian's Python with its websockets package, not another `python3` in the PATH. */
export function pythonPath() {
  const path = process.env.PYTHON || '/usr/bin/python3';
  if (spawnSync(path, ['-c', 'import websockets']).status !== 0) {
    throw new Error(`${path} with websockets is missing: apt-get install python3 python3-websockets, or name another one in PYTHON`);
  }
  return path;
}

/** The scanlogin binary under test. */
export function scanloginPath() {
  const path = resolve(import.meta.dirname, process.env.SCANLOGIN_BIN || '../../bin/scanlogin');
  if (!isExecutable(path)) {
    throw new Error(`${path} is missing: go build -o bin/scanlogin ./cmd/scanlogin, or name another one in SCANLOGIN_BIN`);
  }
  return path;
}
