#!/usr/bin/env bash
# Fails unless everybody can pull an image. Runners pull without a login, and new
# packages of GHCR are private.
#
#   public.sh IMAGE@sha256:DIGEST
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source internal/release/lib.sh
[[ $# == 1 ]] || die "usage: $0 IMAGE@sha256:DIGEST"
crane=$(tool "$crane")
nobody=$(mktemp -d)
trap 'rm -rf "$nobody"' EXIT
for pause in 1 5 0; do
  if DOCKER_CONFIG=$nobody "$crane" manifest "$1" >/dev/null 2>"$nobody/log"; then exit 0; fi
  sleep "$pause"
done
cat "$nobody/log" >&2
die "${1%@*} cannot be pulled without a login, as runners do. Make the package public (its page on GitHub, Package settings, Change visibility), then re-run the failed jobs"
