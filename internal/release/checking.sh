# shellcheck shell=bash
# Shared by the checks of a release; to be sourced from the repository's top.
source internal/release/lib.sh

tmp=$(mktemp -d)
registry='' servers=()
cleanup() {
  local code=$? pid
  trap - EXIT
  for pid in $registry "${servers[@]}"; do
    kill "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
  done
  rm -rf "$tmp"
  exit "$code"
}
trap cleanup EXIT

# The repository is the one that owner.sh has filled in, if it has.
owner=$(sed -nE 's|.*uses: ([^ /]+/[^ @]+)@v1$|\1|p' README.md | head -1)
[[ $owner != OWNER/artifetch ]] || owner=octo/artifetch
# shellcheck disable=SC2034 # used by those who source this
url=https://github.com/$owner time=2026-01-31T12:00:00Z
bundle=/etc/ssl/certs/ca-certificates.crt
[[ -r $bundle ]] || die "$bundle is not there: install ca-certificates"
if ! GOTOOLCHAIN=$toolchain go version >/dev/null 2>&1; then
  RELEASE_GO=$(go env GOVERSION)
  export RELEASE_GO
  echo "$toolchain cannot be had here: checked with $RELEASE_GO"
  toolchain=$RELEASE_GO
fi

# refused MESSAGE COMMAND...: the command fails with this message.
refused() {
  local message=$1
  shift
  if "$@" >"$tmp/refused" 2>&1; then die "not refused: $*"; fi
  grep -qF -- "$message" "$tmp/refused" || { cat "$tmp/refused" >&2; die "$* was to say: $message"; }
}

# copy DIRECTORY copies the files that git has, and those that it does not ignore.
copy() {
  mkdir -p "$1"
  git ls-files -z --cached --others --exclude-standard | tar --null --files-from - --create |
    tar --extract --no-same-permissions --directory "$1"
}

# new_repository makes $git, which stands in for the repository on GitHub, and
# $work, a clone of it that has what is here.
new_repository() {
  git=$tmp/git work=$tmp/work
  GIT_CONFIG_GLOBAL=$tmp/gitconfig
  export GIT_CONFIG_GLOBAL GIT_CONFIG_NOSYSTEM=1
  copy "$work"
  git config --global user.name check
  git config --global user.email check@example.com
  git config --global init.defaultBranch main
  git init --quiet --bare "$git"
  cp internal/release/standin/update "$git/hooks/update"
  in_work git init --quiet
  in_work git remote add origin "$git"
  change .gitignore
}

in_work() { (cd "$work" && "$@"); }

# save MESSAGE BRANCH commits what was changed in the clone, as a person does.
save() {
  in_work git add --all
  in_work git commit --quiet --message "$1"
  PUSHER=person in_work git push --quiet origin "HEAD:refs/heads/$2"
}

# change FILE [BRANCH] makes a commit, on main if on no other.
change() {
  echo "# $RANDOM" >>"$work/$1"
  save "Change $1" "${2:-main}"
}

# entry TEXT [BRANCH] makes a commit with an entry in the changelog.
entry() {
  local log
  log=$(sed "0,/^## \[Unreleased\]\$/s||&\n\n### Fixed\n\n- $1|" "$work/CHANGELOG.md")
  echo "$log" >"$work/CHANGELOG.md"
  save "$1" "${2:-main}"
}

# on_origin REF prints the commit that the repository has under that name.
on_origin() { git --git-dir "$git" rev-parse --quiet --verify "refs/$1^{commit}"; }

# follows A B...: each is an ancestor of the next, or the same.
follows() {
  local before=$1 after
  shift
  for after; do
    git --git-dir "$git" merge-base --is-ancestor "$before" "$after" || die "$after does not have $before behind it"
    before=$after
  done
}
