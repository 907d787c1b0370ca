#!/bin/sh
# Takes the agent away. Key, ledger, logs and settings stay, so that a new installation is the same node; --purge takes them.
set -eu
root=
purge=no
while [ $# -gt 0 ]; do
  case "$1" in
    --root) [ $# -ge 2 ] || { echo 'uninstall.sh: --root: missing the folder' >&2; exit 2; }; root=${2%/}; shift 2 ;;
    --purge) purge=yes; shift ;;
    *) echo 'usage: uninstall.sh [--root DIR] [--purge]' >&2; exit 2 ;;
  esac
done
if [ -z "$root" ]; then
  [ "$(id -u)" = 0 ] || { echo 'uninstall.sh: needs root; or --root DIR for a scratch root' >&2; exit 1; }
  if [ -d /run/systemd/system ]; then systemctl disable --now millrace-agent || true; fi
fi
rm -rf "$root/opt/millrace-agent"
rm -f "$root/usr/bin/millrace-agent" "$root/etc/systemd/system/millrace-agent.service"
if [ "$purge" = yes ]; then
  rm -rf "$root/var/lib/millrace-agent"
  rm -f "$root/etc/millrace/agent.env"
fi
if [ -z "$root" ] && [ -d /run/systemd/system ]; then systemctl daemon-reload; fi
echo 'millrace-agent is removed'
