#!/usr/bin/env bash
# Installs what is missing of the named groups of packages.txt: install-packages.sh GROUP...
set -euo pipefail
list="$(dirname "$0")/../packages.txt"

missing=()
for group in "$@"; do
  for package in $(awk -v group="$group" '$1 == group {print $2}' "$list"); do
    status=$(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null || true)
    [ "$status" = installed ] || missing+=("$package")
  done
done
[ ${#missing[@]} -gt 0 ] || exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo >/dev/null; then
    echo "These Debian packages are missing, and installing them takes root or sudo:" >&2
    echo "  apt-get install ${missing[*]}" >&2
    exit 1
  fi
  as_root=(sudo)
fi

apt() { "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -y "$@"; }
install() { apt install --no-install-recommends "$@" "${missing[@]}"; }

echo "Installing Debian packages: ${missing[*]}"
# The package index is fetched only if it lacks a package, or has aged so that a download fails.
install --simulate >/dev/null 2>&1 || apt update
install || { apt update && install; }
