#!/usr/bin/env bash
# Makes GitHub's release of a version that is tagged. It is a draft first, because a
# published release may be immutable. Needs gh and GH_TOKEN.
#
#   publish.sh check VERSION     fails where it is published already
#   publish.sh VERSION FILE...   makes or completes the draft, and publishes it
#
# Its notes are the version's section in the changelog of the tagged commit.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source internal/release/lib.sh
[[ $# -ge 2 ]] || die "usage: $0 check VERSION, or $0 VERSION FILE..."

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# draft VERSION prints true, false, or none where there is no release.
draft() {
  if gh release view "$1" --json isDraft --jq .isDraft 2>"$tmp/log"; then return; fi
  grep -qE 'release not found|HTTP 404' "$tmp/log" || { cat "$tmp/log" >&2; die "cannot see whether $1 is published"; }
  echo none
}

if [[ $1 == check ]]; then
  state=$(draft "$2")
  [[ $state != false ]] || die "$2 is published already: choose the next version"
  exit 0
fi

version=$1
shift
kind=(--prerelease=false --latest=true)
if ! is_stable "$version"; then
  kind=(--prerelease --latest=false)
else
  tags=$(remote_tags 'v*')
  for tag in $tags; do
    if is_stable "$tag" && newer "$tag" "$version"; then kind=(--prerelease=false --latest=false); fi
  done
fi
git fetch --quiet origin "refs/tags/$version"
git show FETCH_HEAD:CHANGELOG.md >"$tmp/changelog"
node internal/release/changelog.mjs notes "$version" "$tmp/changelog" >"$tmp/notes"

state=$(draft "$version")
case $state in
none) gh release create "$version" --draft --verify-tag --title "$version" --notes-file "$tmp/notes" "$@" ;;
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
gh release edit "$version" --draft=false "${kind[@]}"
