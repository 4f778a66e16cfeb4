package githubsim

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"
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
		a.json = lacking(s.artifactFields(a), a.Lacks)
	}
	return a.json
}

// runJSON is the same for a run.
func (s *Sim) runJSON(run *Run) []byte {
	if run.json == nil {
		run.json = lacking(s.runFields(run), run.Lacks)
	}
	return run.json
}

// repoJSON is the same for a repository within a run; nil is null.
func (s *Sim) repoJSON(r *Repo) json.RawMessage {
	if r == nil {
		return nil
	}
	if r.json == nil {
		r.json = marshal(s.repoObject(r))
	}
	return r.json
}

// artifactFields are the fields of an artifact. Artifacts and runs are no objects of the
// type object: tests make thousands of them, and a map takes several times as long.
type artifactFields struct {
	ID        int64  `json:"id"`
	Name      string `json:"name"`
	Size      int64  `json:"size_in_bytes"`
	Expired   bool   `json:"expired"`
	CreatedAt string `json:"created_at"`
	ExpiresAt string `json:"expires_at"`
	*artifactRest
	*artifactOrigin
}

// artifactRest is what Brief leaves out.
type artifactRest struct {
	NodeID      string `json:"node_id"`
	UpdatedAt   string `json:"updated_at"`
	URL         string `json:"url"`
	DownloadURL string `json:"archive_download_url"`
}

// artifactOrigin is what an Enterprise Server 3.8 leaves out.
type artifactOrigin struct {
	Digest *string `json:"digest"`
	Run    runRef  `json:"workflow_run"`
}

type runRef struct {
	ID         int64  `json:"id"`
	Repository int64  `json:"repository_id"`
	HeadRepoID int64  `json:"head_repository_id,omitempty"`
	HeadBranch string `json:"head_branch"`
	HeadSHA    string `json:"head_sha"`
}

func (s *Sim) artifactFields(a *Artifact) artifactFields {
	f := artifactFields{
		ID: a.ID, Name: a.Name, Size: a.Blob.Size(), Expired: a.Expired,
		CreatedAt: timestamp(a.CreatedAt), ExpiresAt: timestamp(a.ExpiresAt),
	}
	if !s.opt.Brief {
		url := fmt.Sprintf("%s/actions/artifacts/%d", s.repoURL(a.run.repo), a.ID)
		f.artifactRest = &artifactRest{NodeID: nodeID("Artifact", a.ID), UpdatedAt: f.CreatedAt, URL: url, DownloadURL: url + "/zip"}
	}
	if s.opt.Enterprise {
		return f
	}
	run := a.run
	f.artifactOrigin = &artifactOrigin{Digest: orNull(a.Digest), Run: runRef{ID: run.ID, Repository: run.repo.ID, HeadBranch: run.HeadBranch, HeadSHA: run.HeadSHA}}
	if run.HeadRepo != nil {
		f.Run.HeadRepoID = run.HeadRepo.ID
	}
	return f
}

// orNull returns null for the empty string.
func orNull(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

// runFields are the fields of a run.
type runFields struct {
	ID         int64           `json:"id"`
	Name       string          `json:"name"`
	Title      string          `json:"display_title"`
	HeadBranch string          `json:"head_branch"`
	HeadSHA    string          `json:"head_sha"`
	Path       string          `json:"path"`
	Number     int             `json:"run_number"`
	Attempt    int             `json:"run_attempt"`
	Event      string          `json:"event"`
	Status     string          `json:"status"`
	Conclusion *string         `json:"conclusion"`
	WorkflowID int64           `json:"workflow_id"`
	HTMLURL    string          `json:"html_url"`
	CreatedAt  string          `json:"created_at"`
	UpdatedAt  string          `json:"updated_at"`
	StartedAt  string          `json:"run_started_at"`
	Actor      json.RawMessage `json:"actor"`
	Repo       json.RawMessage `json:"repository"`
	HeadRepo   json.RawMessage `json:"head_repository"`
	*runRest
}

// runRest is what Brief leaves out.
type runRest struct {
	NodeID       string          `json:"node_id"`
	CheckSuite   int64           `json:"check_suite_id"`
	CheckNodeID  string          `json:"check_suite_node_id"`
	PullRequests []any           `json:"pull_requests"`
	Referenced   []any           `json:"referenced_workflows"`
	Trigger      json.RawMessage `json:"triggering_actor"`
	URL          string          `json:"url"`
	JobsURL      string          `json:"jobs_url"`
	LogsURL      string          `json:"logs_url"`
	ArtifactsURL string          `json:"artifacts_url"`
	CancelURL    string          `json:"cancel_url"`
	RerunURL     string          `json:"rerun_url"`
	PreviousURL  *string         `json:"previous_attempt_url"`
	CheckURL     string          `json:"check_suite_url"`
	WorkflowURL  string          `json:"workflow_url"`
	HeadCommit   object          `json:"head_commit"`
}

func (s *Sim) runFields(run *Run) runFields {
	actor := s.actorJSON(run.Actor)
	f := runFields{
		ID: run.ID, Name: run.Workflow.Name, Title: run.Title, HeadBranch: run.HeadBranch, HeadSHA: run.HeadSHA, Path: run.Workflow.Path,
		Number: run.Number, Attempt: run.Attempt, Event: run.Event, Status: run.Status, Conclusion: orNull(run.Conclusion),
		WorkflowID: run.Workflow.ID, HTMLURL: s.web(run.repo.FullName + "/actions/runs/" + strconv.FormatInt(run.ID, 10)),
		CreatedAt: timestamp(run.CreatedAt), UpdatedAt: timestamp(run.UpdatedAt), StartedAt: timestamp(run.CreatedAt),
		Actor: actor, Repo: s.repoJSON(run.repo), HeadRepo: s.repoJSON(run.HeadRepo),
	}
	if s.opt.Brief {
		return f
	}
	repo := s.repoURL(run.repo)
	url := fmt.Sprintf("%s/actions/runs/%d", repo, run.ID)
	person := object{"name": run.Actor, "email": run.Actor + "@example.com"}
	f.runRest = &runRest{
		NodeID: nodeID("WorkflowRun", run.ID), CheckSuite: run.ID + 1, CheckNodeID: nodeID("CheckSuite", run.ID+1),
		PullRequests: []any{}, Referenced: []any{}, Trigger: actor,
		URL: url, JobsURL: url + "/jobs", LogsURL: url + "/logs", ArtifactsURL: url + "/artifacts", CancelURL: url + "/cancel", RerunURL: url + "/rerun",
		CheckURL:    fmt.Sprintf("%s/check-suites/%d", repo, run.ID+1),
		WorkflowURL: fmt.Sprintf("%s/actions/workflows/%d", repo, run.Workflow.ID),
		HeadCommit: object{
			"id": run.HeadSHA, "tree_id": run.HeadSHA, "message": run.Title, "timestamp": f.CreatedAt,
			"author": person, "committer": person,
		},
	}
	return f
}

// actorJSON returns a user as the API sends it. The text is made once.
func (s *Sim) actorJSON(login string) json.RawMessage {
	if s.actors[login] == nil {
		s.actors[login] = marshal(s.userObject(login, "User"))
	}
	return s.actors[login]
}

// lacking returns v as JSON, without some fields of it.
func lacking(v any, fields []string) []byte {
	body := marshal(v)
	if len(fields) == 0 {
		return body
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber() // ids are no floating point numbers
	var o object
	if err := d.Decode(&o); err != nil {
		panic(err) // it was made above
	}
	return marshal(without(o, fields))
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
