#!/usr/bin/env bash
# Puts the image together for linux/amd64 and linux/arm64, from a binary, CA
# certificates and licenses, and without an engine, so that the same source gives
# the same digest. Pushes nothing.
#
#   image.sh VERSION REVISION TIME URL CA-BUNDLE DIRECTORY     prints sha256:…
#
# REVISION is the commit it is made of, TIME that commit's, such as
# 2026-01-31T12:00:00Z; URL is the repository's: GHCR shows a package beside the
# repository that its image names. CA-BUNDLE is a file of PEM certificates.
# DIRECTORY becomes an OCI layout that holds the index.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source internal/release/lib.sh
[[ $# == 6 ]] || die "usage: $0 VERSION REVISION TIME URL CA-BUNDLE DIRECTORY"
version=$1 revision=$2 time=$3 url=$4 bundle=$(realpath "$5") out=$(realpath -m "$6")
is_time "$time" || die "$time is no time such as 2026-01-31T12:00:00Z"
[[ ! -e $out ]] || die "$out is there already"
description=$(sed -n 's/^description: *//p' action.yml)
[[ -n $description ]] || die "action.yml has no description on one line"

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
internal/release/notices.sh "$tmp/notices"
layers=()
for arch in amd64 arm64; do
  root=$tmp/$arch
  mkdir -p "$root/etc/ssl/certs" "$root/licenses"
  binary "$version" linux $arch "$root/artifetch"
  cp "$bundle" "$root/etc/ssl/certs/ca-certificates.crt"
  cp LICENSE "$root/licenses/LICENSE"
  cp "$tmp/notices" "$root/licenses/THIRD-PARTY-NOTICES"
  find "$root" -type d -exec chmod 755 {} + -o -type f -exec chmod 644 {} +
  chmod 755 "$root/artifetch"
  pack "$tmp/$arch.tar" -C "$root" artifetch etc licenses
  gzip --no-name --best "$tmp/$arch.tar"
  layers+=("$arch=$tmp/$arch.tar.gz")
done
node internal/release/layout.mjs "$out" "${layers[@]}" -- \
  org.opencontainers.image.title=artifetch "org.opencontainers.image.description=$description" \
  "org.opencontainers.image.version=$version" "org.opencontainers.image.revision=$revision" \
  "org.opencontainers.image.created=$time" "org.opencontainers.image.source=$url" "org.opencontainers.image.url=$url" \
  "org.opencontainers.image.documentation=$url/blob/$version/README.md" "org.opencontainers.image.licenses=$licenses"
layout_digest "$out"
