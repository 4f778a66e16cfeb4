#!/usr/bin/env bash
# Makes the commit, the branch and the tags of a release. The release is made of the
# commit that is checked out, which is the head of the branch SOURCE or an ancestor.
#
#   tag.sh check VERSION SOURCE                      fails if VERSION cannot become a release
#   tag.sh create VERSION SOURCE REPOSITORY IMAGE    makes the release's commit, whose action.yml
#                                                    runs IMAGE, on releases/v1, and tags it
#   tag.sh major VERSION                             moves v1 of v1.2.3 there, only ever forward
#
# SOURCE is main, or support/v1 (support/v1.2) for an older version, when main has moved
# on. A release's commit has the files of the commit that it is made of, except for the
# image, the owner and the changelog. Its last parent is that commit, and its first is
# the release before it. What exists already and is right is left alone, so a release
# that failed half-way can be run again.
set -euo pipefail
cd "$(git rev-parse --show-toplevel)"
source internal/release/lib.sh
usage="usage: $0 check VERSION SOURCE | create VERSION SOURCE REPOSITORY IMAGE | major VERSION"
[[ $# -ge 2 ]] || die "$usage"
command=$1 version=$2
is_version "$version" || die "$version is no version such as v1.2.3 or v1.2.3-rc.1"
major=${version%%.*} branch=releases/${version%%.*}

# on_origin REF prints the commit that the remote has under that name, and
# nothing if it has none.
on_origin() {
  local there
  there=$(git ls-remote origin "$1") || die "cannot read $1 of origin"
  [[ -n $there ]] || return 0
  git fetch --quiet origin "$1"
  git rev-parse 'FETCH_HEAD^{commit}'
}

# ours COMMIT: it was made of the commit that is checked out.
ours() { [[ $(git rev-parse "$1^@" | tail -1) == "$(git rev-parse HEAD)" ]]; }

# below VERSION reads versions, and prints those that are older than VERSION.
below() {
  local tag
  while read -r tag; do
    if is_version "$tag" && newer "$1" "$tag"; then echo "$tag"; fi
  done
}

# stable reads versions, and prints all that are no prereleases.
stable() {
  local tag
  while read -r tag; do
    if is_stable "$tag"; then echo "$tag"; fi
  done
}

check() {
  local commit tags newest date
  commit=$(on_origin "refs/tags/$version")
  if [[ -n $commit ]]; then
    ours "$commit" || die "$version is there already, made of another commit ($(git rev-parse --short "$commit^@" | tail -1)): choose the next version"
    echo "$version is there already, made of this commit: the release goes on"
    return
  fi
  case $source in
  main) tags=$(remote_tags 'v*') ;;
  support/v*)
    [[ $version == "${source#support/}".* ]] || die "$source is for versions ${source#support/}.*, and not for $version"
    tags=$(remote_tags "${source#support/}.*")
    ;;
  *) die "releases are made of main or support/v*, and not of $source" ;;
  esac
  newest=$(newest <<<"$tags")
  [[ -z $newest ]] || newer "$version" "$newest" ||
    die "$newest is newer than $version: choose the next version, or release it on a branch such as support/${version%.*}"
  git fetch --quiet origin "refs/heads/$source"
  git merge-base --is-ancestor HEAD FETCH_HEAD || die "this commit is not on $source"
  # The default token has no permission for workflows: it may push them only as
  # a branch has them already.
  git diff --quiet HEAD FETCH_HEAD -- .github/workflows ||
    die "$source has other workflows by now, so GitHub would refuse the commit of this release: start the release anew, on $source as it is"
  newest=$(stable <<<"$tags" | newest)
  [[ -z $newest ]] || grep -qF "## [${newest#v}]" CHANGELOG.md ||
    die "CHANGELOG.md lacks the section of $newest: merge the pull request of its release first (back.sh)"
  date=$(commit_time HEAD)
  node internal/release/changelog.mjs cut "$version" "${date%T*}" https://github.com/ CHANGELOG.md >/dev/null
}

# commit TREE MESSAGE PARENT... makes a commit, and prints its hash.
commit() {
  local tree=$1 message=$2 parent parents=()
  shift 2
  for parent; do parents+=(-p "$parent"); done
  as_bot git commit-tree "${parents[@]}" -m "$message" "$tree"
}

# release_tree prints the tree of a release's commit.
release_tree() {
  local work date
  work=$(mktemp -d)
  # shellcheck disable=SC2064 # the present value of work
  trap "git worktree remove --force '$work'" EXIT
  git worktree add --quiet --detach "$work" HEAD
  date=$(commit_time HEAD)
  internal/release/pin.sh "$work/action.yml" "$image"
  (cd "$work" && internal/release/owner.sh "$repository")
  node internal/release/changelog.mjs cut "$version" "${date%T*}" "https://github.com/$repository" CHANGELOG.md >"$work/CHANGELOG.md"
  git -C "$work" add --update
  git -C "$work" write-tree
}

create() {
  local there tree tip tags before release head
  there=$(on_origin "refs/tags/$version")
  if [[ -n $there ]]; then
    ours "$there" || die "$version is there already, made of another commit"
    git show "$there:action.yml" | grep -xF "  image: docker://$image" >/dev/null ||
      die "$version is there already, and does not run $image"
    echo "$version is there already"
    return
  fi
  check
  tree=$(release_tree)
  tip=$(on_origin "refs/heads/$branch")
  tags=$(remote_tags "$major.*")
  if [[ -z $tip ]]; then
    [[ -z $tags ]] || die "there is no $branch, and there are versions of it: $(paste -sd' ' <<<"$tags")"
    release=$(commit "$tree" "Release $version" HEAD)
    head=$release
  elif newer "$version" "$(newest <<<"$tags")"; then
    release=$(commit "$tree" "Release $version" "$tip" HEAD)
    head=$release
  else
    # An older version: it follows the version before it, and the branch keeps the
    # files of its newest version.
    before=$(below "$version" <<<"$tags" | stable | newest)
    if [[ -n $before ]]; then before=$(on_origin "refs/tags/$before"); fi
    release=$(commit "$tree" "Release $version" ${before:+"$before"} HEAD)
    head=$(commit "$tip^{tree}" "Merge $version" "$tip" "$release")
  fi
  as_bot git tag --annotate --force --message "$version" "$version" "$release"
  # Both or neither, and the branch only forward.
  git push --quiet --atomic origin "$head:refs/heads/$branch" "refs/tags/$version"
  echo "tagged $version, on $branch"
}

major() {
  local commit tags newest old
  commit=$(on_origin "refs/tags/$version")
  [[ -n $commit ]] || die "$version is not tagged"
  if ! is_stable "$version"; then
    echo "$major stays where it is: $version is a prerelease"
    return
  fi
  tags=$(remote_tags "$major.*")
  newest=$(stable <<<"$tags" | newest)
  if newer "$newest" "$version"; then
    echo "$major stays where it is: $newest is newer than $version"
    return
  fi
  old=$(on_origin "refs/tags/$major")
  [[ -z $old ]] || git merge-base --is-ancestor "$old" "$commit" ||
    die "$major is at $(git rev-parse --short "$old"), which is no commit before $version: it was moved by hand, and has to be moved back by hand"
  git push --quiet "--force-with-lease=refs/tags/$major:$old" origin "$commit:refs/tags/$major"
  echo "$major is $version"
}

case $command,$# in
check,3) source=$3 ;;
create,5) source=$3 repository=$4 image=$5 ;;
major,2) ;;
*) die "$usage" ;;
esac
"$command"
