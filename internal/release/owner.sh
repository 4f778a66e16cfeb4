#!/usr/bin/env bash
# Fills in the repository and its owner where files have OWNER/artifetch or @OWNER.
#
#   owner.sh OWNER/NAME [FILE...]
#
# Without FILE it changes all files of the repository in the current directory,
# except these scripts.
set -euo pipefail
[[ $# -ge 1 && $1 =~ ^[A-Za-z0-9-]+/[A-Za-z0-9._-]+$ ]] || { echo "usage: $0 OWNER/NAME [FILE...]" >&2; exit 2; }
repository=$1
shift
if [[ $# == 0 ]]; then
  mapfile -t files < <(git grep -lE 'OWNER/artifetch|@OWNER\b' -- ':!internal/release/')
  [[ ${#files[@]} != 0 ]] || exit 0 # it is filled in
  set -- "${files[@]}"
fi
# The registry wants lower case.
sed -i "s|ghcr\.io/OWNER/artifetch|ghcr.io/${repository,,}|g; s|OWNER/artifetch|$repository|g; s|@OWNER\b|@${repository%%/*}|g" "$@"
