#!/usr/bin/env bash
# Makes an action.yml run a published image instead of the Dockerfile.
#
#   pin.sh ACTION.YML IMAGE@sha256:DIGEST
set -euo pipefail
[[ $# == 2 ]] || { echo "usage: $0 ACTION.YML IMAGE@sha256:DIGEST" >&2; exit 2; }
[[ $2 =~ ^[a-z0-9./:_-]+@sha256:[0-9a-f]{64}$ ]] || { echo "$0: $2 is no image with a digest" >&2; exit 1; }
[[ $(grep -c '^  image: Dockerfile$' "$1") == 1 ]] || { echo "$0: $1 does not run the Dockerfile" >&2; exit 1; }
sed -i "s|^  image: Dockerfile\$|  image: docker://$2|" "$1"
