package githubsim

import (
	"encoding/base64"
	"fmt"
	"maps"
	"strings"
	"time"
)

// object is a JSON object of the API. It has all fields that GitHub's OpenAPI description
// requires.
type object = map[string]any

func nodeID(kind string, id int64) string {
	return base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "%s%d", kind, id))
}

func timestamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

func (s *Sim) repoURL(r *Repo) string { return s.APIURL + "/repos/" + r.FullName }

// web returns the URL of a page for people.
func (s *Sim) web(path string) string { return "https://github.com/" + path }

// artifactJSON returns an artifact as the API sends it. The text is made once: lists would
// take longer than what they are sent to.
func (s *Sim) artifactJSON(a *Artifact) []byte {
	if a.json == nil {
		a.json = marshal(s.artifactObject(a))
	}
	return a.json
}

// runJSON is the same for a run.
func (s *Sim) runJSON(run *Run) []byte {
	if run.json == nil {
		run.json = marshal(s.runObject(run))
	}
	return run.json
}

func (s *Sim) artifactObject(a *Artifact) object {
	o := object{
		"id": a.ID, "name": a.Name, "size_in_bytes": a.Blob.Size(), "expired": a.Expired,
		"created_at": timestamp(a.CreatedAt), "expires_at": timestamp(a.ExpiresAt),
	}
	if !s.opt.Brief {
		url := fmt.Sprintf("%s/actions/artifacts/%d", s.repoURL(a.run.repo), a.ID)
		o["node_id"], o["updated_at"] = nodeID("Artifact", a.ID), timestamp(a.CreatedAt)
		o["url"], o["archive_download_url"] = url, url+"/zip"
	}
	if s.opt.Enterprise {
		return without(o, a.Lacks)
	}
	o["digest"] = nil
	if a.Digest != "" {
		o["digest"] = a.Digest
	}
	ref := object{
		"id": a.run.ID, "repository_id": a.run.repo.ID, "head_branch": a.run.HeadBranch, "head_sha": a.run.HeadSHA,
	}
	if a.run.HeadRepo != nil {
		ref["head_repository_id"] = a.run.HeadRepo.ID
	}
	o["workflow_run"] = ref
	return without(o, a.Lacks)
}

func (s *Sim) runObject(run *Run) object {
	r := run.repo
	o := object{
		"id": run.ID, "name": run.Workflow.Name, "display_title": run.Title,
		"head_branch": run.HeadBranch, "head_sha": run.HeadSHA, "path": run.Workflow.Path,
		"run_number": run.Number, "run_attempt": run.Attempt, "event": run.Event, "status": run.Status, "conclusion": nil,
		"workflow_id": run.Workflow.ID, "html_url": s.web(fmt.Sprintf("%s/actions/runs/%d", r.FullName, run.ID)),
		"created_at": timestamp(run.CreatedAt), "updated_at": timestamp(run.UpdatedAt), "run_started_at": timestamp(run.CreatedAt),
		"actor": s.userObject(run.Actor, "User"), "repository": s.repoObject(r), "head_repository": nil,
	}
	if !s.opt.Brief {
		s.addRest(o, run)
	}
	if run.Conclusion != "" {
		o["conclusion"] = run.Conclusion
	}
	if run.HeadRepo != nil {
		o["head_repository"] = s.repoObject(run.HeadRepo)
	}
	return without(o, run.Lacks)
}

// addRest adds to a run's object what Brief leaves out.
func (s *Sim) addRest(o object, run *Run) {
	repo := s.repoURL(run.repo)
	url := fmt.Sprintf("%s/actions/runs/%d", repo, run.ID)
	person := object{"name": run.Actor, "email": run.Actor + "@example.com"}
	maps.Copy(o, object{
		"node_id": nodeID("WorkflowRun", run.ID), "check_suite_id": run.ID + 1, "check_suite_node_id": nodeID("CheckSuite", run.ID+1),
		"pull_requests": []any{}, "referenced_workflows": []any{}, "triggering_actor": s.userObject(run.Actor, "User"),
		"url": url, "jobs_url": url + "/jobs", "logs_url": url + "/logs", "artifacts_url": url + "/artifacts",
		"cancel_url": url + "/cancel", "rerun_url": url + "/rerun", "previous_attempt_url": nil,
		"check_suite_url": fmt.Sprintf("%s/check-suites/%d", repo, run.ID+1),
		"workflow_url":    fmt.Sprintf("%s/actions/workflows/%d", repo, run.Workflow.ID),
		"head_commit": object{
			"id": run.HeadSHA, "tree_id": run.HeadSHA, "message": run.Title, "timestamp": timestamp(run.CreatedAt),
			"author": person, "committer": person,
		},
	})
}

// without removes fields from an object; "a.b" is field b of the object a.
func without(o object, fields []string) object {
	for _, f := range fields {
		path := strings.Split(f, ".")
		last := len(path) - 1
		in := o
		for _, name := range path[:last] {
			in, _ = in[name].(object)
		}
		delete(in, path[last])
	}
	return o
}

func (s *Sim) userObject(login, kind string) object {
	if s.opt.Brief {
		return object{"login": login}
	}
	url := s.APIURL + "/users/" + login
	return object{
		"login": login, "id": int64(len(login)), "node_id": nodeID("User", int64(len(login))), "type": kind, "site_admin": false,
		"avatar_url": s.web(login + ".png"), "gravatar_id": "", "url": url, "html_url": s.web(login),
		"followers_url": url + "/followers", "following_url": url + "/following{/other_user}",
		"gists_url": url + "/gists{/gist_id}", "starred_url": url + "/starred{/owner}{/repo}",
		"subscriptions_url": url + "/subscriptions", "organizations_url": url + "/orgs", "repos_url": url + "/repos",
		"events_url": url + "/events{/privacy}", "received_events_url": url + "/received_events",
	}
}

// repoLinks are the URLs of a repository, relative to its own.
var repoLinks = map[string]string{
	"archive": "{archive_format}{/ref}", "assignees": "assignees{/user}", "blobs": "git/blobs{/sha}", "branches": "branches{/branch}",
	"collaborators": "collaborators{/collaborator}", "comments": "comments{/number}", "commits": "commits{/sha}",
	"compare": "compare/{base}...{head}", "contents": "contents/{+path}", "contributors": "contributors", "deployments": "deployments",
	"downloads": "downloads", "events": "events", "forks": "forks", "git_commits": "git/commits{/sha}", "git_refs": "git/refs{/sha}",
	"git_tags": "git/tags{/sha}", "hooks": "hooks", "issue_comment": "issues/comments{/number}", "issue_events": "issues/events{/number}",
	"issues": "issues{/number}", "keys": "keys{/key_id}", "labels": "labels{/name}", "languages": "languages", "merges": "merges",
	"milestones": "milestones{/number}", "notifications": "notifications{?since,all,participating}", "pulls": "pulls{/number}",
	"releases": "releases{/id}", "stargazers": "stargazers", "statuses": "statuses/{sha}", "subscribers": "subscribers",
	"subscription": "subscription", "tags": "tags", "teams": "teams", "trees": "git/trees{/sha}",
}

// repoObject returns a repository in GitHub's schema "minimal-repository".
func (s *Sim) repoObject(r *Repo) object {
	if s.opt.Brief {
		return object{"id": r.ID, "full_name": r.FullName, "private": r.Private, "fork": r.Fork}
	}
	owner, name, _ := strings.Cut(r.FullName, "/")
	o := object{
		"id": r.ID, "node_id": nodeID("Repository", r.ID), "name": name, "full_name": r.FullName, "private": r.Private, "fork": r.Fork,
		"owner": s.userObject(owner, "Organization"), "description": nil, "html_url": s.web(r.FullName), "url": s.repoURL(r),
	}
	for k, path := range repoLinks {
		o[k+"_url"] = s.repoURL(r) + "/" + path
	}
	return o
}

// fullRepoObject returns the answer to GET /repos/{owner}/{repo}.
func (s *Sim) fullRepoObject(r *Repo) object {
	o := s.repoObject(r)
	web := s.web(r.FullName)
	for _, k := range []string{"forks", "forks_count", "open_issues", "open_issues_count", "size", "stargazers_count", "watchers", "watchers_count", "network_count", "subscribers_count"} {
		o[k] = 0
	}
	for _, k := range []string{"has_issues", "has_projects", "has_wiki", "has_downloads"} {
		o[k] = true
	}
	for _, k := range []string{"has_pages", "has_discussions", "archived", "disabled"} {
		o[k] = false
	}
	for _, k := range []string{"homepage", "language", "mirror_url", "license"} {
		o[k] = nil
	}
	for _, k := range []string{"created_at", "updated_at", "pushed_at"} {
		o[k] = timestamp(s.opt.Now())
	}
	o["default_branch"] = "main"
	o["clone_url"], o["svn_url"] = web+".git", web
	o["git_url"], o["ssh_url"] = "git://github.com/"+r.FullName+".git", "git@github.com:"+r.FullName+".git"
	return o
}
