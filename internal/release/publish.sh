#!/usr/bin/env bash
# GitHub's release of a version that is tagged, by way of a draft: a published
# one may be immutable. Needs gh and GH_TOKEN.
#
#   publish.sh check VERSION     fails where it is published already
#   publish.sh VERSION FILE...   makes or completes the draft, and publishes it
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source internal/release/lib.sh
[[ $# -ge 2 ]] || die "usage: $0 check VERSION, or $0 VERSION FILE..."

log=$(mktemp)
trap 'rm -f "$log"' EXIT

# draft VERSION prints true, false, or none where there is no release.
draft() {
  if gh release view "$1" --json isDraft --jq .isDraft 2>"$log"; then return; fi
  grep -qE 'release not found|HTTP 404' "$log" || { cat "$log" >&2; die "cannot see whether $1 is published"; }
  echo none
}

if [[ $1 == check ]]; then
  state=$(draft "$2")
  [[ $state != false ]] || die "$2 is published already: choose the next version"
  exit 0
fi

version=$1
shift
latest=true
tags=$(remote_tags 'v*')
for tag in $tags; do
  if is_version "$tag" && newer "$tag" "$version"; then latest=false; fi
done

state=$(draft "$version")
case $state in
none) gh release create "$version" --draft --verify-tag --title "$version" --generate-notes "$@" ;;
true) gh release upload "$version" --clobber "$@" ;;
false)
  for file in "$@"; do
    [[ ${file##*/} == checksums.txt ]] || continue
    gh release download "$version" --pattern checksums.txt --output - | cmp - "$file" || die "$version is published with other files"
  done
  echo "$version is published already"
  exit 0
  ;;
*) die "gh says that $version is $state" ;;
esac
gh release edit "$version" --draft=false "--latest=$latest"
