#!/usr/bin/env bash
# Builds the command, and packs it with its documents: the archives of a release.
#
#   archives.sh VERSION TIME REPOSITORY DIRECTORY [OS/ARCH...]
#
# TIME is the time of the commit that the command is built from, such as
# 2026-01-31T12:00:00Z. REPOSITORY is owner/name. Both appear in the documents.
# Without OS/ARCH it builds for all systems of a release.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source internal/release/lib.sh
[[ $# -ge 4 ]] || die "usage: $0 VERSION TIME REPOSITORY DIRECTORY [OS/ARCH...]"
version=$1 time=$2 repository=$3 out=$(realpath -m "$4")
shift 4
if [[ $# == 0 ]]; then set -- "${targets[@]}"; fi
is_time "$time" || die "$time is no time such as 2026-01-31T12:00:00Z"
mkdir -p "$out"
[[ -z $(ls -A "$out") ]] || die "$out is not empty"

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
documents=(LICENSE README.md CHANGELOG.md THIRD-PARTY-NOTICES)
cp LICENSE README.md "$tmp/"
internal/release/owner.sh "$repository" "$tmp/README.md"
node internal/release/changelog.mjs cut "$version" "${time%T*}" "https://github.com/$repository" CHANGELOG.md >"$tmp/CHANGELOG.md"
internal/release/notices.sh "$tmp/THIRD-PARTY-NOTICES"
for target; do
  os=${target%/*} arch=${target#*/} exe=artifetch
  [[ $os != windows ]] || exe=artifetch.exe
  name=$(archive_name "$version" "$os" "$arch")
  mkdir "$tmp/$name"
  binary "$version" "$os" "$arch" "$tmp/$name/$exe"
  for document in "${documents[@]}"; do cp "$tmp/$document" "$tmp/$name/"; done
  chmod 644 "$tmp/$name"/*
  chmod 755 "$tmp/$name" "$tmp/$name/$exe"
  pack "$tmp/$name.tar" -C "$tmp" "$name"
  compress "$tmp/$name.tar" "$out/$name.tar.gz"
done
chmod 644 "$out"/*
