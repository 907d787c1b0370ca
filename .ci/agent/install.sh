#!/bin/sh
# Installs this folder as the agent of this machine, without a network. Run it again with a newer folder to upgrade.
set -eu
usage='usage: install.sh [--root DIR]     (DIR: a scratch root; no user is made and no service is touched)'
root=
while [ $# -gt 0 ]; do
  case "$1" in
    --root) [ $# -ge 2 ] || { echo "$usage" >&2; exit 2; }; root=${2%/}; shift 2 ;;
    *) echo "$usage" >&2; exit 2 ;;
  esac
done
fail() { echo "install.sh: $1" >&2; exit 1; }
from=$(cd "$(dirname "$0")" && pwd)
read -r version machine libc < "$from/TARGET"
[ "$(uname -s) $(uname -m)" = "Linux $machine" ] ||
  fail "this bundle is for Linux $machine, this machine is $(uname -s) $(uname -m); take the bundle for it"
have=$(getconf GNU_LIBC_VERSION 2>/dev/null | cut -d' ' -f2) || have=
[ -n "$have" ] || fail "this machine has no GNU C library; the agent needs $libc or newer"
[ "$(printf '%s\n%s\n' "$libc" "$have" | sort -V | head -n 1)" = "$libc" ] ||
  fail "this machine's C library is $have; the agent needs $libc or newer, so a newer system"
(cd "$from" && sha256sum --quiet -c SHA256SUMS) || fail 'the bundle is damaged; copy it here again'
[ -n "$root" ] || [ "$(id -u)" = 0 ] || fail 'needs root; or --root DIR for a scratch root'

home=$root/opt/millrace-agent
mkdir -p "$home/versions" "$root/etc/millrace" "$root/etc/systemd/system" "$root/usr/bin"
rm -rf "$home/versions/.new"
mkdir "$home/versions/.new"
cp -R "$from/bin" "$from/lib" "$from/LICENSES" "$from/uninstall.sh" "$from/TARGET" "$home/versions/.new/"
rm -rf "$home/versions/$version"
mv "$home/versions/.new" "$home/versions/$version"
# The link changes in one step: a start finds the old version or the new one, never none.
ln -s "versions/$version" "$home/.current"
mv -T "$home/.current" "$home/current"
ln -sfn /opt/millrace-agent/current/bin/millrace-agent "$root/usr/bin/millrace-agent"
cp "$from/lib/millrace-agent.service" "$root/etc/systemd/system/millrace-agent.service"
if [ ! -e "$root/etc/millrace/agent.env" ]; then
  (umask 077 && cp "$from/lib/agent.env" "$root/etc/millrace/agent.env")
  chmod 600 "$root/etc/millrace/agent.env"
fi
if [ -z "$root" ]; then
  id millrace >/dev/null 2>&1 || useradd --system --home-dir /var/lib/millrace-agent --shell /usr/sbin/nologin millrace
  if [ -d /run/systemd/system ]; then
    systemctl daemon-reload
    systemctl try-restart millrace-agent
  fi
fi
echo "millrace-agent $version is installed in $home"
echo 'next: put the hub into /etc/millrace/agent.env, then: systemctl enable --now millrace-agent'
