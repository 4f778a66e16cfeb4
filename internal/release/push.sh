#!/usr/bin/env bash
# Pushes the image that image.sh made, tagged with the version.
#
#   push.sh LAYOUT REPOSITORY VERSION     prints REPOSITORY@sha256:…
#
# Pushing the same image again does no harm. Another image of a version that has a
# git tag is refused, because that version was released. The registry's login is
# crane's: ~/.docker/config.json.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source internal/release/lib.sh
[[ $# == 3 ]] || die "usage: $0 LAYOUT REPOSITORY VERSION"
layout=$1 repository=$2 version=$3
crane=$(tool "$crane")
digest=$(layout_digest "$layout")

log=$(mktemp)
trap 'rm -f "$log"' EXIT
if there=$("$crane" digest "$repository:$version" 2>"$log"); then
  if [[ $there != "$digest" ]]; then
    tagged=$(remote_tags "$version")
    if [[ -n $tagged ]]; then
      die "$repository:$version was released as $there, and this is $digest: choose the next version"
    fi
    echo "$repository:$version is $there, of an attempt that was not released: it is replaced" >&2
  fi
# GHCR answers DENIED for an image that does not exist. A login that may not look may
# not push either.
elif ! grep -qE 'MANIFEST_UNKNOWN|NAME_UNKNOWN|DENIED|404' "$log"; then
  cat "$log" >&2
  die "cannot see whether $repository:$version is there"
fi
"$crane" push "$layout" "$repository:$version" >/dev/null 2>"$log" || { cat "$log" >&2; die "cannot push to $repository"; }
[[ $("$crane" digest "$repository:$version") == "$digest" ]] || die "$repository:$version is not what was pushed"
echo "$repository@$digest"
