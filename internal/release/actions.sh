#!/usr/bin/env bash
# Compares the actions that the workflows use with GitHub, which takes the
# internet: .github/actions.txt lists them, each with its version and the commit
# that this version's tag names.
#
#   actions.sh check    asks GitHub whether the list is right
#   actions.sh write    lists what the workflows use, after asking GitHub
#
# That the workflows use what is listed is a test (repository_test.go), which
# takes no internet.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source internal/release/lib.sh
list=.github/actions.txt

# ask reads lines of the list, and fails unless GitHub says the same.
ask() {
  local action version commit there wrong=0
  while read -r action version commit; do
    # The line of an annotated tag's commit is the second one.
    there=$(git ls-remote "https://github.com/$action" "refs/tags/$version" "refs/tags/$version^{}") || die "cannot ask for $action"
    there=$(tail -1 <<<"$there" | cut -f 1)
    if [[ $there == "$commit" ]]; then
      echo "$action $version is $commit"
    else
      echo "$action $version is ${there:-no tag}, and not $commit" >&2
      wrong=1
    fi
  done
  [[ $wrong == 0 ]] || die "commits are not those of their versions"
}

case $#,${1:-} in
1,check) ask < <(grep -v '^#' "$list") ;;
1,write)
  used=$(sed -nE 's/^ *(- )?uses: *([^ /]+\/[^ /@]+)[^ @]*@([0-9a-f]{40}) # (v[0-9.]+)$/\2 \4 \3/p' .github/workflows/*.yml | sort -u)
  ask <<<"$used"
  { grep '^#' "$list"; echo "$used"; } >"$list.new"
  mv "$list.new" "$list"
  ;;
*) die "usage: $0 check | write" ;;
esac
