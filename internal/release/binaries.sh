#!/usr/bin/env bash
# Builds the command for all systems, with a bill of materials and checksums.
#
#   binaries.sh VERSION TIME REPOSITORY DIRECTORY
#
# TIME is that of the commit it is made of, such as 2026-01-31T12:00:00Z;
# REPOSITORY is owner/name: both for the documents that come with the command.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source internal/release/lib.sh
[[ $# == 4 ]] || die "usage: $0 VERSION TIME REPOSITORY DIRECTORY"
version=$1 time=$2 repository=$3
is_time "$time" || die "$time is no time such as 2026-01-31T12:00:00Z"
mkdir -p "$4"
out=$(realpath "$4")
[[ -z $(ls -A "$out") ]] || die "$4 is not empty"

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
documents=(LICENSE README.md CHANGELOG.md THIRD-PARTY-NOTICES)
cp LICENSE README.md "$tmp/"
internal/release/owner.sh "$repository" "$tmp/README.md"
node internal/release/changelog.mjs cut "$version" "${time%T*}" "https://github.com/$repository" CHANGELOG.md >"$tmp/CHANGELOG.md"
internal/release/notices.sh "$tmp/THIRD-PARTY-NOTICES"
for target in "${targets[@]}"; do
  os=${target%/*} arch=${target#*/} exe=artifetch
  [[ $os != windows ]] || exe=artifetch.exe
  name=artifetch_${version#v}_${os}_$arch
  mkdir "$tmp/$name"
  binary "$version" "$os" "$arch" "$tmp/$name/$exe"
  for document in "${documents[@]}"; do cp "$tmp/$document" "$tmp/$name/"; done
  chmod 644 "$tmp/$name"/*
  chmod 755 "$tmp/$name" "$tmp/$name/$exe"
  pack "$tmp/$name.tar" -C "$tmp" "$name"
  gzip --no-name --best --stdout "$tmp/$name.tar" >"$out/$name.tar.gz"
done

# Of what is linked into the binary, which is all there is in the image, too.
# All modules are there after the builds, and the version is not published yet:
# nothing is to be had from a proxy.
bill=$out/artifetch_${version#v}.cdx.json
GOPROXY=off GOFLAGS='' GOTOOLCHAIN="$toolchain" "$(tool "$cyclonedx")" bin -json -std -licenses -noserial -notimestamp -version "$version" \
  -output "$bill" "$tmp/artifetch_${version#v}_linux_amd64/artifetch" 2>"$tmp/log" ||
  { cat "$tmp/log" >&2; die "cannot write the bill of materials"; }
node internal/release/bill.mjs "$bill" "$repository" "$version"
cd "$out"
sha256sum -- * >"$tmp/checksums.txt"
mv "$tmp/checksums.txt" .
chmod 644 -- *
