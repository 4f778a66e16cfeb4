#!/usr/bin/env bash
# Takes the CA certificates out of the image that the Dockerfile builds on. The
# Dockerfile names it by digest, so the certificates are always the same.
#
#   roots.sh FILE
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source internal/release/lib.sh
[[ $# == 1 ]] || die "usage: $0 FILE"
image=$(sed -n 's/^FROM \([^ ]*@sha256:[0-9a-f]*\) AS build$/\1/p' Dockerfile)
[[ -n $image ]] || die "the Dockerfile names no image by digest"
"$(tool "$crane")" export --platform linux/amd64 "$image" - | tar -xO etc/ssl/certs/ca-certificates.crt >"$1"
grep -q 'BEGIN CERTIFICATE' "$1" || die "$image has no CA certificates"
