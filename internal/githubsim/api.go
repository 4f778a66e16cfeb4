package githubsim

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"hash/maphash"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// docs is the documentation_url of errors.
const docs = "https://docs.github.com/rest"

func (s *Sim) apiHandler() http.Handler {
	prefix := ""
	if s.opt.Enterprise {
		prefix = "/api/v3"
	}
	const repo = "/repos/{owner}/{repo}"
	mux := http.NewServeMux()
	handle := func(pattern string, access Access, h func(http.ResponseWriter, *http.Request, *Repo)) {
		method, path, _ := strings.Cut(pattern, " ")
		mux.HandleFunc(method+" "+prefix+path, s.withRepo(access, h))
		mux.HandleFunc(method+" "+prefix+strings.Replace(path, repo, "/repositories/{repository}", 1), s.withRepo(access, h))
	}
	handle("GET "+repo, None, s.getRepo)
	handle("GET "+repo+"/actions/artifacts", Read, s.listArtifacts)
	handle("GET "+repo+"/actions/artifacts/{id}", Read, s.getArtifact)
	handle("DELETE "+repo+"/actions/artifacts/{id}", Write, s.deleteArtifact)
	handle("GET "+repo+"/actions/artifacts/{id}/{format}", Read, s.downloadArtifact)
	handle("GET "+repo+"/actions/runs", Read, s.listRuns)
	handle("GET "+repo+"/actions/runs/{id}", Read, s.getRun)
	handle("GET "+repo+"/actions/runs/{id}/artifacts", Read, s.listRunArtifacts)
	handle("GET "+repo+"/actions/workflows", Read, s.listWorkflows)
	handle("GET "+repo+"/actions/workflows/{workflow}/runs", Read, s.listWorkflowRuns)
	handle("GET "+repo+"/pulls/{number}", Read, s.getPull)
	handle("GET "+repo+"/commits/{ref...}", Read, s.getCommit)
	handle("GET "+repo+"/branches/{branch...}", Read, s.getBranch)
	mux.HandleFunc("GET "+prefix+repo+"/installation", s.getInstallation)
	mux.HandleFunc("POST "+prefix+"/app/installations/{id}/access_tokens", s.createToken)
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { apiError(w, http.StatusNotFound, "Not Found") })
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Github-Request-Id", fmt.Sprintf("%04X:%d", len(r.URL.Path), s.opt.Now().UnixNano()))
		if s.opt.Enterprise {
			w.Header().Set("X-Github-Enterprise-Version", "3.8.0")
		}
		if !s.redirected(w, r, prefix) {
			mux.ServeHTTP(w, r)
		}
	})
}

// redirected answers a request below a repository's former name, as GitHub does.
func (s *Sim) redirected(w http.ResponseWriter, r *http.Request, prefix string) bool {
	rest, _ := strings.CutPrefix(r.URL.Path, prefix+"/repos/")
	owner, rest, _ := strings.Cut(rest, "/")
	name, rest, deep := strings.Cut(rest, "/")
	s.mu.Lock()
	defer s.mu.Unlock()
	repo := s.former[strings.ToLower(owner+"/"+name)]
	if repo == nil {
		return false
	}
	if !s.spend(w, token(r)) {
		return true
	}
	to := fmt.Sprintf("%s/repositories/%d", s.APIURL, repo.ID)
	if deep {
		to += "/" + rest
	}
	if r.URL.RawQuery != "" {
		to += "?" + r.URL.RawQuery
	}
	w.Header().Set("Location", to)
	writeJSON(w, http.StatusMovedPermanently, object{"message": "Moved Permanently", "url": to, "documentation_url": docs})
	return true
}

func apiError(w http.ResponseWriter, status int, message string) {
	writeJSON(w, status, object{"message": message, "documentation_url": docs})
}

func writeJSON(w http.ResponseWriter, status int, v any) { writeBody(w, status, marshal(v)) }

func marshal(v any) []byte {
	body, err := json.Marshal(v)
	if err != nil {
		panic(err) // objects hold nothing that cannot be marshalled
	}
	return body
}

func writeBody(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

// token reads the Authorization header.
func token(r *http.Request) string {
	_, tok, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	return tok
}

// withRepo checks the token, its rate limit and its access to the repository. Reading
// lists of public repositories needs no token.
func (s *Sim) withRepo(need Access, h func(http.ResponseWriter, *http.Request, *Repo)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		tok := token(r)
		grants, known := s.tokens[tok]
		if tok != "" && !known {
			apiError(w, http.StatusUnauthorized, "Bad credentials")
			return
		}
		if !s.spend(w, tok) {
			return
		}
		repo := s.repo(r)
		access, granted := None, false
		if repo != nil {
			access, granted = grants[strings.ToLower(repo.FullName)]
		}
		switch {
		case repo == nil, repo.Private && !granted:
			apiError(w, http.StatusNotFound, "Not Found")
		case access >= need, tok == "" && need == Read && !strings.Contains(r.URL.Path, "/zip"), !granted && tok != "" && need == Read && !repo.Private:
			h(w, r, repo)
		case tok == "":
			apiError(w, http.StatusUnauthorized, "Requires authentication")
		default:
			apiError(w, http.StatusForbidden, "Resource not accessible by integration")
		}
	}
}

// repo returns the repository that a request names, or nil.
func (s *Sim) repo(r *http.Request) *Repo {
	for _, repo := range s.repos {
		if strconv.FormatInt(repo.ID, 10) == r.PathValue("repository") {
			return repo
		}
	}
	return s.repos[strings.ToLower(r.PathValue("owner")+"/"+r.PathValue("repo"))]
}

// spend counts a request against the token's rate limit.
func (s *Sim) spend(w http.ResponseWriter, tok string) bool {
	s.used[tok]++
	if s.opt.RateLimit < 0 {
		return true
	}
	left := s.opt.RateLimit - s.used[tok]
	h := w.Header()
	h.Set("X-Ratelimit-Limit", strconv.Itoa(s.opt.RateLimit))
	h.Set("X-Ratelimit-Remaining", strconv.Itoa(max(left, 0)))
	h.Set("X-Ratelimit-Used", strconv.Itoa(s.used[tok]))
	h.Set("X-Ratelimit-Reset", strconv.FormatInt(s.opt.Now().Add(time.Hour).Unix(), 10))
	h.Set("X-Ratelimit-Resource", "core")
	if left < 0 {
		apiError(w, http.StatusForbidden, "API rate limit exceeded for installation ID 1.")
		return false
	}
	return true
}

// answer sends v with an ETag, or 304 if the client has it. A 304 does not count
// against the rate limit.
func (s *Sim) answer(w http.ResponseWriter, r *http.Request, v any) {
	s.answerJSON(w, r, marshal(v))
}

// answerJSON does what answer does with what is JSON already.
func (s *Sim) answerJSON(w http.ResponseWriter, r *http.Request, body []byte) {
	etag := fmt.Sprintf(`W/"%016x"`, maphash.Bytes(s.seed, body))
	w.Header().Set("ETag", etag)
	w.Header().Set("Cache-Control", "private, max-age=60, s-maxage=60")
	if r.Header.Get("If-None-Match") == etag {
		s.used[token(r)]--
		w.WriteHeader(http.StatusNotModified)
		return
	}
	if s.opt.Gzip && strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		w.Header().Set("Content-Encoding", "gzip")
		if s.gzipped[etag] == nil {
			s.gzipped[etag] = gzipped(body)
		}
		body = s.gzipped[etag]
	}
	writeBody(w, http.StatusOK, body)
}

func gzipped(body []byte) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write(body) // a Buffer takes all
	_ = z.Close()
	return b.Bytes()
}

// page answers with a page of a list, and sets Link as GitHub does. It ends the list after
// most items; total_count still counts all of them.
func page[T any](s *Sim, w http.ResponseWriter, r *http.Request, repo *Repo, key string, all []T, most int, toJSON func(T) []byte) {
	q := r.URL.Query()
	per := 30
	if n, err := strconv.Atoi(q.Get("per_page")); err == nil && n > 0 {
		per = min(n, 100)
	}
	n := 1
	if p, err := strconv.Atoi(q.Get("page")); err == nil && p > 0 {
		n = p
	}
	total := len(all)
	all = all[:min(most, total)]
	last := max((len(all)+per-1)/per, 1)
	from, to := min((n-1)*per, len(all)), min(n*per, len(all))
	if s.opt.EndlessPages {
		last, from, to = n+1, 0, min(per, len(all))
	}
	var links []string
	link := func(page int, rel string) {
		q.Set("page", strconv.Itoa(page))
		path := strings.Replace(r.URL.Path, "/repos/"+r.PathValue("owner")+"/"+r.PathValue("repo"), fmt.Sprintf("/repositories/%d", repo.ID), 1)
		u := url.URL{Scheme: "http", Host: r.Host, Path: path, RawQuery: q.Encode()}
		links = append(links, fmt.Sprintf(`<%s>; rel="%s"`, u.String(), rel))
	}
	if n > 1 {
		link(min(n-1, last), "prev")
	}
	if n < last {
		link(n+1, "next")
		link(last, "last")
	}
	if n > 1 {
		link(1, "first")
	}
	if len(links) > 0 {
		w.Header().Set("Link", strings.Join(links, ", "))
	}
	items := make([][]byte, 0, to-from)
	size := 100 // of what is around the items
	for _, v := range all[from:to] {
		item := toJSON(v)
		items = append(items, item)
		size += len(item) + 1
	}
	body := fmt.Appendf(make([]byte, 0, size), `{"total_count":%d,"%s":[`, total, key)
	for i, item := range items {
		if i > 0 {
			body = append(body, ',')
		}
		body = append(body, item...)
	}
	s.answerJSON(w, r, append(body, "]}"...))
}

func (s *Sim) getRepo(w http.ResponseWriter, r *http.Request, repo *Repo) {
	s.answer(w, r, s.fullRepoObject(repo))
}

func (s *Sim) listArtifacts(w http.ResponseWriter, r *http.Request, repo *Repo) {
	s.pageArtifacts(w, r, repo, ListArtifacts, nil)
}

// pageArtifacts lists artifacts newest first, as github.com was seen to do: those of a run,
// or all of the repository if run is nil.
func (s *Sim) pageArtifacts(w http.ResponseWriter, r *http.Request, repo *Repo, kind List, run *Run) {
	factOf := func(a *Artifact) fact { return fact{a.ID, a.run.ID, a.CreatedAt, ListArtifacts} }
	if repo.newestArtifacts == nil {
		repo.newestArtifacts = newestFirst(repo.artifacts, factOf)
	}
	list := repo.newestArtifacts
	if name := r.URL.Query().Get("name"); run != nil || name != "" && !s.opt.IgnoreName {
		list = matching(list, func(a *Artifact) bool {
			return (run == nil || a.run == run) && (name == "" || a.Name == name || s.opt.IgnoreName)
		})
	}
	list = told(s, r, repo, kind, list, factOf)
	page(s, w, r, repo, "artifacts", list, len(list), s.artifactJSON)
}

func find[T any](w http.ResponseWriter, r *http.Request, all []*T, id func(*T) int64) *T {
	want, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	for _, v := range all {
		if err == nil && id(v) == want {
			return v
		}
	}
	apiError(w, http.StatusNotFound, "Not Found")
	return nil
}

func artifactID(a *Artifact) int64 { return a.ID }
func runID(r *Run) int64           { return r.ID }

func (s *Sim) getArtifact(w http.ResponseWriter, r *http.Request, repo *Repo) {
	if a := find(w, r, repo.artifacts, artifactID); a != nil {
		s.answerJSON(w, r, s.artifactJSON(a))
	}
}

func (s *Sim) deleteArtifact(w http.ResponseWriter, r *http.Request, repo *Repo) {
	if a := find(w, r, repo.artifacts, artifactID); a != nil {
		repo.deleteArtifacts(func(b *Artifact) bool { return a == b })
		w.WriteHeader(http.StatusNoContent)
	}
}

func (s *Sim) downloadArtifact(w http.ResponseWriter, r *http.Request, repo *Repo) {
	a := find(w, r, repo.artifacts, artifactID)
	switch {
	case a == nil:
	case r.PathValue("format") != "zip":
		apiError(w, http.StatusNotFound, "Not Found")
	case a.Expired || s.blobs[a.key()] == nil:
		apiError(w, http.StatusGone, "Artifact has expired")
	default:
		w.Header().Set("Location", s.signedURL(a.key()))
		w.WriteHeader(http.StatusFound)
	}
}

func (s *Sim) getRun(w http.ResponseWriter, r *http.Request, repo *Repo) {
	if run := find(w, r, repo.runs, runID); run != nil {
		s.answerJSON(w, r, s.runJSON(run))
	}
}

func (s *Sim) listRunArtifacts(w http.ResponseWriter, r *http.Request, repo *Repo) {
	if run := find(w, r, repo.runs, runID); run != nil {
		s.pageArtifacts(w, r, repo, ListRunArtifacts, run)
	}
}

func (s *Sim) listRuns(w http.ResponseWriter, r *http.Request, repo *Repo) {
	s.pageRuns(w, r, repo, ListRuns, nil)
}

func (s *Sim) listWorkflowRuns(w http.ResponseWriter, r *http.Request, repo *Repo) {
	want := r.PathValue("workflow")
	for _, wf := range repo.workflows {
		if strconv.FormatInt(wf.ID, 10) != want && wf.Path[strings.LastIndexByte(wf.Path, '/')+1:] != want {
			continue
		}
		s.pageRuns(w, r, repo, ListWorkflowRuns, wf)
		return
	}
	apiError(w, http.StatusNotFound, "Not Found")
}

// pageRuns lists runs newest first: those of a workflow, or all of the repository if wf is
// nil. It filters as GitHub does. A filtered list has at most 1,000 items.
func (s *Sim) pageRuns(w http.ResponseWriter, r *http.Request, repo *Repo, kind List, wf *Workflow) {
	factOf := func(run *Run) fact { return fact{run.ID, run.ID, run.CreatedAt, ListRuns} }
	if repo.newestRuns == nil {
		repo.newestRuns = newestFirst(repo.runs, factOf)
	}
	list := repo.newestRuns
	if wf != nil {
		list = matching(list, func(r *Run) bool { return r.Workflow == wf })
	}
	q := r.URL.Query()
	most := len(list)
	filters := map[string]func(*Run) string{
		"actor":    func(r *Run) string { return r.Actor },
		"branch":   func(r *Run) string { return r.HeadBranch },
		"event":    func(r *Run) string { return r.Event },
		"head_sha": func(r *Run) string { return r.HeadSHA },
	}
	for k, field := range filters {
		if want := q.Get(k); want != "" {
			most = 1000
			// Case does not matter in logins.
			same := func(v string) bool { return v == want || k == "actor" && strings.EqualFold(v, want) }
			list = matching(list, func(r *Run) bool { return same(field(r)) })
		}
	}
	if want := q.Get("status"); want != "" {
		most = 1000
		list = matching(list, func(r *Run) bool { return r.Status == want || r.Conclusion == want })
	}
	if want := q.Get("created"); want != "" {
		most = 1000
		since, until, err := dateRange(want)
		if err != nil {
			apiError(w, http.StatusUnprocessableEntity, "Validation Failed")
			return
		}
		list = matching(list, func(r *Run) bool { return !r.CreatedAt.Before(since) && !r.CreatedAt.After(until) })
	}
	list = told(s, r, repo, kind, list, factOf)
	page(s, w, r, repo, "workflow_runs", list, most, s.runJSON)
}
