#!/usr/bin/env bash
# Prints the calls of gh api that set up a repository for releases. It calls
# nothing itself: read them, then pipe them into sh -ex. Running them again makes
# the rulesets a second time, and changes nothing else.
#
#   settings.sh OWNER/NAME REVIEWER    REVIEWER is the login that approves releases
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source internal/release/lib.sh
[[ $# == 2 && $1 =~ ^[A-Za-z0-9-]+/[A-Za-z0-9._-]+$ && $2 =~ ^[A-Za-z0-9-]+$ ]] || die "usage: $0 OWNER/NAME REVIEWER"
repo=repos/$1 reviewer=$2

# call METHOD PATH WHY [BODY]
call() {
  printf '\n# %s\n' "$3"
  if [[ -z ${4:-} ]]; then
    printf 'gh api --method %s %s\n' "$1" "$2"
  else
    printf 'gh api --method %s %s --input - <<END\n%s\nEND\n' "$1" "$2" "$4"
  fi
}

cat <<END
# Settings of https://github.com/$1. The token of gh needs to administer it.
reviewer=\$(gh api users/$reviewer --jq .id)
END

call PUT "$repo/environments/release" 'A reviewer has to approve the jobs that push the image and the tag.' \
  '{"reviewers": [{"type": "User", "id": '"\$reviewer"'}], "deployment_branch_policy": {"protected_branches": false, "custom_branch_policies": true}}'
for branch in main 'support/v*'; do
  call POST "$repo/environments/release/deployment-branch-policies" "These jobs run on $branch." '{"name": "'"$branch"'", "type": "branch"}'
done

call POST "$repo/rulesets" 'A version never changes. Major tags such as v1 have to move.' \
  '{"name": "versions", "target": "tag", "enforcement": "active",
 "conditions": {"ref_name": {"include": ["refs/tags/v*.*.*"], "exclude": []}},
 "rules": [{"type": "deletion"}, {"type": "non_fast_forward"}, {"type": "update"}]}'
call POST "$repo/rulesets" 'Each release stays reachable.' \
  '{"name": "releases", "target": "branch", "enforcement": "active",
 "conditions": {"ref_name": {"include": ["refs/heads/releases/*"], "exclude": []}},
 "rules": [{"type": "deletion"}, {"type": "non_fast_forward"}]}'
checks=''
for check in test lint 'container (ubuntu-latest)' 'container (ubuntu-24.04-arm)' actions 'vulnerabilities / vulnerabilities' self; do
  checks+="${checks:+, }{\"context\": \"$check\"}"
done
call POST "$repo/rulesets" 'Releases are made of reviewed and tested commits. If you are the only maintainer, set the approvals to 0.' \
  '{"name": "sources", "target": "branch", "enforcement": "active",
 "conditions": {"ref_name": {"include": ["refs/heads/main", "refs/heads/support/*"], "exclude": []}},
 "rules": [{"type": "deletion"}, {"type": "non_fast_forward"},
  {"type": "pull_request", "parameters": {"required_approving_review_count": 1, "require_code_owner_review": true,
   "dismiss_stale_reviews_on_push": true, "require_last_push_approval": false, "required_review_thread_resolution": true}},
  {"type": "required_status_checks", "parameters": {"strict_required_status_checks_policy": false, "do_not_enforce_on_create": true,
   "required_status_checks": ['"$checks"']}}]}'
call PUT "$repo/immutable-releases" 'The files of a published release never change.'

call PUT "$repo/actions/permissions" 'Workflows use the actions that they name by commit, and no others.' \
  '{"enabled": true, "allowed_actions": "selected", "sha_pinning_required": true}'
patterns=$(sed -nE '/^(actions|github)\//d; s/^([a-z][^ ]*) .*/"\1@*"/p' .github/actions.txt | paste -sd,)
call PUT "$repo/actions/permissions/selected-actions" "GitHub's own, and those of .github/actions.txt." \
  '{"github_owned_allowed": true, "verified_allowed": false, "patterns_allowed": ['"$patterns"']}'
call PUT "$repo/actions/permissions/workflow" 'A job may read, unless it asks for more; the changelog comes back as a pull request.' \
  '{"default_workflow_permissions": "read", "can_approve_pull_request_reviews": true}'

call PUT "$repo/private-vulnerability-reporting" 'SECURITY.md refers to it.'
call PUT "$repo/vulnerability-alerts" 'Dependabot says which dependencies are known to be vulnerable.'
call PUT "$repo/automated-security-fixes" 'It opens pull requests for them.'
call PATCH "$repo" 'Secrets are found, and refused in pushes.' \
  '{"security_and_analysis": {"secret_scanning": {"status": "enabled"}, "secret_scanning_push_protection": {"status": "enabled"}},
 "delete_branch_on_merge": true}'
