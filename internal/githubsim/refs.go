package githubsim

import (
	"cmp"
	"fmt"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

// dateRange parses GitHub's syntax for dates in searches: >=a, <=b or a..b.
func dateRange(s string) (since, until time.Time, err error) {
	from, to, isRange := strings.Cut(s, "..")
	if !isRange {
		from, to = "", ""
		switch {
		case strings.HasPrefix(s, ">="):
			from = s[2:]
		case strings.HasPrefix(s, "<="):
			to = s[2:]
		default:
			return since, until, fmt.Errorf("date range %q", s)
		}
	}
	until = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)
	if from != "" {
		if since, err = time.Parse(time.RFC3339, from); err != nil {
			return since, until, err
		}
	}
	if to != "" {
		until, err = time.Parse(time.RFC3339, to)
	}
	return since, until, err
}

func (s *Sim) listWorkflows(w http.ResponseWriter, r *http.Request, repo *Repo) {
	list := told(s, r, repo, ListWorkflows, repo.workflows, func(wf *Workflow) fact { return fact{id: wf.ID} })
	page(s, w, r, repo, "workflows", list, len(list), func(wf *Workflow) []byte { return marshal(s.workflowObject(wf)) })
}

func (s *Sim) workflowObject(wf *Workflow) object {
	r := wf.repo
	state := "active"
	if wf.Disabled {
		state = "disabled_manually"
	}
	return object{
		"id": wf.ID, "node_id": nodeID("Workflow", wf.ID), "name": wf.Name, "path": wf.Path, "state": state,
		"created_at": timestamp(s.opt.Now()), "updated_at": timestamp(s.opt.Now()),
		"url":       fmt.Sprintf("%s/actions/workflows/%d", s.repoURL(r), wf.ID),
		"html_url":  s.web(fmt.Sprintf("%s/blob/main/%s", r.FullName, wf.Path)),
		"badge_url": s.web(fmt.Sprintf("%s/workflows/%s/badge.svg", r.FullName, path.Base(wf.Path))),
	}
}

// getCommit answers with the SHA alone, in the media type for that.
func (s *Sim) getCommit(w http.ResponseWriter, r *http.Request, repo *Repo) {
	sha := repo.resolve(r.PathValue("ref"))
	switch {
	case sha == "":
		apiError(w, http.StatusUnprocessableEntity, "No commit found for SHA: "+r.PathValue("ref"))
	case r.Header.Get("Accept") != "application/vnd.github.sha":
		apiError(w, http.StatusUnsupportedMediaType, "the simulator only has application/vnd.github.sha")
	default:
		w.Header().Set("Content-Type", "application/vnd.github.sha; charset=utf-8")
		w.Header().Set("Content-Length", strconv.Itoa(len(sha)))
		_, _ = w.Write([]byte(sha))
	}
}

// resolve returns the commit of a branch, a tag or an unambiguous abbreviation, or "".
func (r *Repo) resolve(ref string) string {
	sha := r.find(ref)
	return cmp.Or(r.objects[sha], sha)
}

func (r *Repo) find(ref string) string {
	if name, ok := strings.CutPrefix(ref, "tags/"); ok {
		return r.tags[name]
	}
	if name, ok := strings.CutPrefix(ref, "heads/"); ok {
		return r.branches[name]
	}
	for _, named := range []map[string]string{r.branches, r.tags} {
		if sha, ok := named[ref]; ok {
			return sha
		}
	}
	var found string
	all := slices.Clone(r.commits)
	for _, run := range r.runs {
		all = append(all, run.HeadSHA)
	}
	for _, sha := range all {
		switch {
		case !strings.HasPrefix(sha, ref) || sha == found:
		case found != "":
			return "" // ambiguous
		default:
			found = sha
		}
	}
	return found
}

func (s *Sim) getBranch(w http.ResponseWriter, r *http.Request, repo *Repo) {
	name := r.PathValue("branch")
	sha, ok := repo.branches[name]
	if !ok {
		apiError(w, http.StatusNotFound, "Branch not found")
		return
	}
	url := s.repoURL(repo) + "/branches/" + name
	person := object{"name": "Octocat", "email": "octocat@example.com", "date": timestamp(s.opt.Now())}
	commit := s.repoURL(repo) + "/commits/" + sha
	s.answer(w, r, object{
		"name": name, "protected": false, "protection_url": url + "/protection",
		"protection": object{"enabled": false}, "_links": object{"html": s.web(repo.FullName + "/tree/" + name), "self": url},
		"commit": object{
			"sha": sha, "node_id": nodeID("Commit", repo.ID), "url": commit, "html_url": s.web(repo.FullName + "/commit/" + sha),
			"comments_url": commit + "/comments", "parents": []any{}, "author": nil, "committer": nil,
			"commit": object{
				"url": commit, "author": person, "committer": person, "message": "Update README", "comment_count": 0,
				"tree": object{"sha": sha, "url": s.repoURL(repo) + "/git/trees/" + sha},
			},
		},
	})
}

func (s *Sim) getPull(w http.ResponseWriter, r *http.Request, repo *Repo) {
	number, err := strconv.Atoi(r.PathValue("number"))
	for _, p := range repo.pulls {
		if err == nil && p.Number == number {
			s.answer(w, r, s.pullObject(repo, p))
			return
		}
	}
	apiError(w, http.StatusNotFound, "Not Found")
}

// pullLinks are the URLs of a pull request, relative to the repository's URL.
var pullLinks = map[string]string{
	"issue": "issues/%d", "comments": "issues/%d/comments", "statuses": "statuses/%d", "commits": "pulls/%d/commits",
	"review_comments": "pulls/%d/comments", "review_comment": "pulls/comments{/number}?%d",
}

func (s *Sim) pullObject(repo *Repo, p *Pull) object {
	user := s.userObject("octocat", "User")
	url := fmt.Sprintf("%s/pulls/%d", s.repoURL(repo), p.Number)
	web := s.web(fmt.Sprintf("%s/pull/%d", repo.FullName, p.Number))
	end := func(branch, sha string, r *Repo) object {
		o := object{"label": "octocat:" + branch, "ref": branch, "sha": sha, "user": user, "repo": nil}
		if r != nil {
			o["repo"] = s.fullRepoObject(r)
		}
		return o
	}
	o := object{
		"id": int64(p.Number), "node_id": nodeID("PullRequest", int64(p.Number)), "number": p.Number, "state": "open", "locked": false,
		"title": "Update README", "user": user, "body": nil, "labels": []any{}, "milestone": nil, "draft": false,
		"url": url, "html_url": web, "diff_url": web + ".diff", "patch_url": web + ".patch",
		"created_at": timestamp(s.opt.Now()), "updated_at": timestamp(s.opt.Now()), "closed_at": nil, "merged_at": nil,
		"merge_commit_sha": nil, "assignee": nil, "assignees": []any{}, "requested_reviewers": []any{}, "requested_teams": []any{},
		"author_association": "CONTRIBUTOR", "auto_merge": nil, "active_lock_reason": nil,
		"head": end(p.HeadBranch, p.HeadSHA, p.HeadRepo), "base": end("main", strings.Repeat("0", 40), repo),
		"merged": false, "mergeable": nil, "mergeable_state": "unknown", "merged_by": nil, "rebaseable": nil,
		"comments": 0, "review_comments": 0, "maintainer_can_modify": false, "commits": 1, "additions": 1, "deletions": 0, "changed_files": 1,
	}
	links := object{}
	for k, l := range pullLinks {
		o[k+"_url"] = s.repoURL(repo) + "/" + fmt.Sprintf(l, p.Number)
		links[k] = object{"href": o[k+"_url"]}
	}
	links["self"], links["html"] = object{"href": url}, object{"href": web}
	o["_links"] = links
	return without(o, p.Lacks)
}
