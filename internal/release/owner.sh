#!/usr/bin/env bash
# Fills in whose repository this is, where documents have OWNER/artifetch.
#
#   owner.sh OWNER/NAME FILE...
set -euo pipefail
[[ $# -ge 2 && $1 =~ ^[A-Za-z0-9-]+/[A-Za-z0-9._-]+$ ]] || { echo "usage: $0 OWNER/NAME FILE..." >&2; exit 2; }
repository=$1
shift
# The registry wants lower case.
sed -i "s|ghcr\.io/OWNER/artifetch|ghcr.io/${repository,,}|g; s|OWNER/artifetch|$repository|g" "$@"
