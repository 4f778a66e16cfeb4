#!/usr/bin/env bash
# Puts the image together for linux/amd64 and linux/arm64, from a release's
# archives and CA certificates, and without an engine, so that the same source
# gives the same digest. Builds nothing, and pushes nothing.
#
#   image.sh VERSION REVISION TIME URL CA-BUNDLE ARCHIVES DIRECTORY     prints sha256:…
#
# REVISION is the commit that the image is made of, TIME that commit's, such as
# 2026-01-31T12:00:00Z; URL is the repository's: GHCR shows a package beside the
# repository that its image names. CA-BUNDLE is a file of PEM certificates.
# ARCHIVES is the directory that archives.sh filled. DIRECTORY becomes an OCI
# layout that holds the index.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source internal/release/lib.sh
[[ $# == 7 ]] || die "usage: $0 VERSION REVISION TIME URL CA-BUNDLE ARCHIVES DIRECTORY"
version=$1 revision=$2 time=$3 url=$4 bundle=$(realpath "$5") archives=$(realpath "$6") out=$(realpath -m "$7")
is_time "$time" || die "$time is no time such as 2026-01-31T12:00:00Z"
[[ ! -e $out ]] || die "$out is there already"
description=$(sed -n 's/^description: *//p' action.yml)
[[ -n $description ]] || die "action.yml has no description on one line"

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
layers=()
for arch in amd64 arm64; do
  root=$tmp/$arch name=$(archive_name "$version" linux $arch)
  mkdir -p "$root/etc/ssl/certs" "$root/licenses"
  tar -xzf "$archives/$name.tar.gz" -C "$tmp"
  mv "$tmp/$name/artifetch" "$root/"
  mv "$tmp/$name"/{LICENSE,THIRD-PARTY-NOTICES} "$root/licenses/"
  cp "$bundle" "$root/etc/ssl/certs/ca-certificates.crt"
  find "$root" -type d -exec chmod 755 {} + -o -type f -exec chmod 644 {} +
  chmod 755 "$root/artifetch"
  pack "$tmp/$arch.tar" -C "$root" artifetch etc licenses
  compress "$tmp/$arch.tar" "$tmp/$arch.tar.gz"
  layers+=("$arch=$tmp/$arch.tar.gz")
done
node internal/release/layout.mjs "$out" "${layers[@]}" -- \
  org.opencontainers.image.title=artifetch "org.opencontainers.image.description=$description" \
  "org.opencontainers.image.version=$version" "org.opencontainers.image.revision=$revision" \
  "org.opencontainers.image.created=$time" "org.opencontainers.image.source=$url" "org.opencontainers.image.url=$url" \
  "org.opencontainers.image.documentation=$url/blob/$version/README.md" "org.opencontainers.image.licenses=$licenses"
layout_digest "$out"
