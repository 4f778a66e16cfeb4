#!/usr/bin/env bash
# The tags of a release, which is made of the commit that is checked out.
#
#   tag.sh check VERSION                      fails where VERSION cannot become a release
#   tag.sh create VERSION REPOSITORY IMAGE    tags a commit whose action.yml runs IMAGE
#   tag.sh major VERSION                      moves v1 of v1.2.3 there, never backwards
#
# The tagged commit has the one checked out as its parent and is on no branch.
# What is there already, as it should be, is left alone, so that a release that
# failed half-way can be run again.
set -euo pipefail
cd "$(git rev-parse --show-toplevel)"
source internal/release/lib.sh
[[ $# -ge 2 ]] || die "usage: $0 check|create|major VERSION [REPOSITORY IMAGE]"
command=$1 version=$2
is_version "$version" || die "$version is no version such as v1.2.3"

# on_origin TAG prints the commit that the remote has under that name, and
# nothing if it has none.
on_origin() {
  local there
  there=$(remote_tags "$1")
  [[ -n $there ]] || return 0
  git fetch --quiet --force origin "refs/tags/$1:refs/tags/$1"
  git rev-parse "$1^{commit}"
}

# ours COMMIT: it was made of the one checked out.
ours() { [[ $(git rev-parse "$1^@") == "$(git rev-parse HEAD)" ]]; }

check() {
  local commit
  commit=$(on_origin "$version")
  if [[ -n $commit ]]; then
    ours "$commit" || die "$version is there already, made of another commit ($(git rev-parse --short "$commit^")): choose the next version"
    echo "$version is there already, made of this commit: the release goes on"
    return
  fi
  git fetch --quiet origin main
  git merge-base --is-ancestor HEAD FETCH_HEAD || die "this commit is not on main"
  # The default token has no permission for workflows, and GitHub takes a tag
  # for a change of them if they are not those of a branch.
  git diff --quiet HEAD FETCH_HEAD -- .github/workflows ||
    die "main has other workflows by now, so GitHub would refuse the tag of this commit: start the release anew, on main as it is"
}

create() {
  local commit tree
  commit=$(on_origin "$version")
  if [[ -n $commit ]]; then
    ours "$commit" || die "$version is there already, made of another commit"
    git show "$commit:action.yml" | grep -xF "  image: docker://$image" >/dev/null ||
      die "$version is there already, and does not run $image"
    echo "$version is there already"
    return
  fi
  check
  tree=$(mktemp -d)
  # shellcheck disable=SC2064 # that of now
  trap "git worktree remove --force '$tree'" EXIT
  git worktree add --quiet --detach "$tree" HEAD
  internal/release/pin.sh "$tree/action.yml" "$image"
  internal/release/owner.sh "$repository" "$tree/README.md" "$tree/SECURITY.md" "$tree"/docs/*.md
  export GIT_AUTHOR_NAME='github-actions[bot]' GIT_AUTHOR_EMAIL='41898282+github-actions[bot]@users.noreply.github.com'
  export GIT_COMMITTER_NAME=$GIT_AUTHOR_NAME GIT_COMMITTER_EMAIL=$GIT_AUTHOR_EMAIL
  git -C "$tree" commit --quiet --all --message "Release $version"
  git -C "$tree" tag --annotate --force --message "$version" "$version"
  git push --quiet origin "refs/tags/$version"
  echo "tagged $version"
}

major() {
  local major=${version%%.*} commit tags tag old
  commit=$(on_origin "$version")
  [[ -n $commit ]] || die "$version is not tagged"
  tags=$(remote_tags "$major.*")
  for tag in $tags; do
    if is_version "$tag" && newer "$tag" "$version"; then
      echo "$major stays where it is: $tag is newer than $version"
      return
    fi
  done
  old=$(git ls-remote --tags --refs origin "refs/tags/$major" | cut -f 1)
  git push --quiet "--force-with-lease=refs/tags/$major:$old" origin "$commit:refs/tags/$major"
  echo "$major is $version"
}

case $command in
check | major)
  [[ $# == 2 ]] || die "usage: $0 $command VERSION"
  "$command"
  ;;
create)
  [[ $# == 4 ]] || die "usage: $0 create VERSION REPOSITORY IMAGE"
  repository=$3 image=$4
  create
  ;;
*) die "there is no $command" ;;
esac
