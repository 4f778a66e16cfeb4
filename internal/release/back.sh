#!/usr/bin/env bash
# Opens a pull request that takes a release's section of the changelog over into
# a branch. Needs gh and GH_TOKEN.
#
#   back.sh VERSION BRANCH
set -euo pipefail
cd "$(git rev-parse --show-toplevel)"
source internal/release/lib.sh
[[ $# == 2 ]] || die "usage: $0 VERSION BRANCH"
version=$1 base=$2 branch=changelog/$1/$2
if ! is_stable "$version"; then
  echo "$version is a prerelease: what it has stays under [Unreleased]"
  exit 0
fi

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
git fetch --quiet origin "refs/tags/$version"
git show FETCH_HEAD:CHANGELOG.md >"$tmp/released"
git fetch --quiet origin "refs/heads/$base"
head=$(git rev-parse FETCH_HEAD)
git show "$head:CHANGELOG.md" >"$tmp/present"
node internal/release/changelog.mjs back "$version" "$tmp/present" "$tmp/released" >"$tmp/changelog"
if cmp -s "$tmp/present" "$tmp/changelog"; then
  echo "$base has the changelog of $version"
  exit 0
fi
export GIT_INDEX_FILE=$tmp/index
git read-tree "$head"
git update-index --cacheinfo "100644,$(git hash-object -w "$tmp/changelog"),CHANGELOG.md"
tree=$(git write-tree)
commit=$(as_bot git commit-tree -p "$head" -m "CHANGELOG: $version" "$tree")
git push --quiet --force origin "$commit:refs/heads/$branch"
[[ -z $(gh pr list --head "$branch" --state open --json number --jq '.[].number') ]] || exit 0
gh pr create --base "$base" --head "$branch" --title "CHANGELOG: $version" --body "The section that the release of $version has cut."
