package githubsim

import (
	"cmp"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// Repo is a repository.
type Repo struct {
	ID       int64
	FullName string
	// A Private repository is visible only to tokens with access to it.
	Fork, Private bool

	sim       *Sim
	workflows []*Workflow
	runs      []*Run // in the order they were added
	artifacts []*Artifact
	// The same, newest first, as lists have them; nil after a change.
	newestRuns      []*Run
	newestArtifacts []*Artifact
	branches        map[string]string // name → SHA
	tags            map[string]string // name → SHA of the commit, or of the tag's own object
	objects         map[string]string // SHA of an annotated tag's object → that of its commit
	commits         []string          // SHAs, besides the head commits of runs
	pulls           []*Pull
	json            []byte // see repoJSON
}

// Pull is a pull request. AddPull fills in a number and a SHA.
type Pull struct {
	Number     int
	HeadBranch string
	HeadSHA    string
	// HeadRepo is where the commits are; nil is the repository itself.
	HeadRepo *Repo
	// HeadRepoDeleted makes the head's repository null.
	HeadRepoDeleted bool
	// Lacks names fields that the server leaves out, such as "head.repo".
	Lacks []string
}

// Workflow is a workflow of a repository.
type Workflow struct {
	ID         int64
	Name, Path string
	// Disabled makes its state "disabled_manually".
	Disabled bool

	repo *Repo
	runs int
}

// Run is a workflow run. AddRun fills in fields that are zero: an ID and a
// number, "completed" and "success", "push" to "main" by "octocat", a
// minute after the run added before.
type Run struct {
	ID       int64
	Workflow *Workflow
	Number   int
	Attempt  int
	Event    string
	Actor    string
	Title    string
	Status   string
	// Conclusion stays empty while Status is not "completed".
	Conclusion string
	HeadBranch string
	HeadSHA    string
	CreatedAt  time.Time
	// UpdatedAt is when the run last changed: when it ended, if it is completed. Zero
	// means CreatedAt.
	UpdatedAt time.Time
	// HeadRepo is where the commit came from; nil is the repository itself.
	HeadRepo *Repo
	// HeadRepoDeleted makes head_repository null.
	HeadRepoDeleted bool
	// Lacks names fields that the server leaves out, as old servers and Gitea do:
	// "head_repository", "repository.id".
	Lacks []string

	repo *Repo
	made map[string]int // how many artifacts it has made, by name
	json []byte         // see runJSON; nil after a change
}

// Artifact is an artifact of a run. AddArtifact fills in fields that are
// zero: an ID, an empty zip, the content type, times, and its digest.
type Artifact struct {
	ID        int64
	Name      string
	Blob      Blob
	Expired   bool
	CreatedAt time.Time
	ExpiresAt time.Time
	// Digest is "sha256:…" of the bytes unless given; NoDigest leaves it out,
	// which saves reading a large blob.
	Digest   string
	NoDigest bool
	// ContentType and ContentDisposition are headers of the storage; the default
	// is a zip's.
	ContentType, ContentDisposition string
	// Lacks names fields that the server leaves out: "workflow_run",
	// "workflow_run.head_repository_id".
	Lacks []string

	run  *Run
	json []byte // see artifactJSON; nil after a change
}

func (a *Artifact) key() string { return "artifacts/" + strconv.FormatInt(a.ID, 10) + "/content" }

// AddRepo adds a public repository.
func (s *Sim) AddRepo(fullName string) *Repo { return s.addRepo(&Repo{FullName: fullName}) }

// AddPrivateRepo adds a private repository.
func (s *Sim) AddPrivateRepo(fullName string) *Repo {
	return s.addRepo(&Repo{FullName: fullName, Private: true})
}

// AddFork adds a public fork.
func (s *Sim) AddFork(fullName string) *Repo { return s.addRepo(&Repo{FullName: fullName, Fork: true}) }

func (s *Sim) addRepo(r *Repo) *Repo {
	s.mu.Lock()
	defer s.mu.Unlock()
	r.ID, r.sim = s.id(), s
	s.repos[strings.ToLower(r.FullName)] = r
	return r
}

// AddWorkflow adds a workflow; path is like ".github/workflows/ci.yml".
func (r *Repo) AddWorkflow(name, path string) *Workflow {
	r.sim.mu.Lock()
	defer r.sim.mu.Unlock()
	w := &Workflow{ID: r.sim.id(), Name: name, Path: path, repo: r}
	r.workflows = append(r.workflows, w)
	return w
}

// AddBranch adds a branch.
func (r *Repo) AddBranch(name, sha string) {
	r.sim.mu.Lock()
	defer r.sim.mu.Unlock()
	if r.branches == nil {
		r.branches = map[string]string{}
	}
	r.branches[name] = sha
}

// AddTag adds a lightweight tag of a commit.
func (r *Repo) AddTag(name, sha string) {
	r.sim.mu.Lock()
	defer r.sim.mu.Unlock()
	if r.tags == nil {
		r.tags = map[string]string{}
	}
	r.tags[name] = sha
}

// AddAnnotatedTag adds a tag that is an object of its own, and returns the object's
// SHA. For it, too, the API returns the commit of the tag.
func (r *Repo) AddAnnotatedTag(name, sha string) string {
	sum := sha1.Sum(fmt.Append(nil, r.FullName, "tag", name))
	object := hex.EncodeToString(sum[:])
	r.AddTag(name, object)
	r.sim.mu.Lock()
	defer r.sim.mu.Unlock()
	if r.objects == nil {
		r.objects = map[string]string{}
	}
	r.objects[object] = sha
	return object
}

// AddCommit adds a commit without a run.
func (r *Repo) AddCommit(sha string) {
	r.sim.mu.Lock()
	defer r.sim.mu.Unlock()
	r.commits = append(r.commits, sha)
}

// AddPull adds a pull request.
func (r *Repo) AddPull(p Pull) *Pull {
	r.sim.mu.Lock()
	defer r.sim.mu.Unlock()
	p.Number = cmp.Or(p.Number, len(r.pulls)+1)
	p.HeadBranch = cmp.Or(p.HeadBranch, fmt.Sprintf("patch-%d", p.Number))
	sum := sha1.Sum(fmt.Append(nil, r.FullName, "pull", p.Number))
	p.HeadSHA = cmp.Or(p.HeadSHA, hex.EncodeToString(sum[:]))
	if p.HeadRepo == nil && !p.HeadRepoDeleted {
		p.HeadRepo = r
	}
	r.pulls = append(r.pulls, &p)
	return &p
}

// Attempt adds an artifact to the run with this id, as a further attempt does.
func (s *Sim) Attempt(run int64, a Artifact) *Artifact {
	s.mu.Lock()
	var found *Run
	for _, repo := range s.repos {
		for _, r := range repo.runs {
			if r.ID == run {
				found = r
			}
		}
	}
	s.mu.Unlock()
	return found.AddArtifact(a)
}

// Finish completes a run.
func (s *Sim) Finish(run *Run, conclusion string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	run.Status, run.Conclusion, run.UpdatedAt, run.json = "completed", conclusion, s.opt.Now(), nil
}

// AddRun adds a run.
func (r *Repo) AddRun(run Run) *Run {
	r.sim.mu.Lock()
	defer r.sim.mu.Unlock()
	run.repo = r
	run.ID = cmp.Or(run.ID, r.sim.id())
	run.Workflow.runs++
	run.Number = cmp.Or(run.Number, run.Workflow.runs)
	run.Attempt = cmp.Or(run.Attempt, 1)
	run.Event = cmp.Or(run.Event, "push")
	run.Actor = cmp.Or(run.Actor, "octocat")
	run.Title = cmp.Or(run.Title, "Update README")
	run.Status = cmp.Or(run.Status, "completed")
	if run.Status == "completed" {
		run.Conclusion = cmp.Or(run.Conclusion, "success")
	}
	run.HeadBranch = cmp.Or(run.HeadBranch, "main")
	sum := sha1.Sum(fmt.Append(nil, r.FullName, run.ID))
	run.HeadSHA = cmp.Or(run.HeadSHA, hex.EncodeToString(sum[:]))
	if run.CreatedAt.IsZero() {
		run.CreatedAt = r.sim.opt.Now().Add(-time.Hour).Truncate(time.Second)
		if n := len(r.runs); n > 0 {
			run.CreatedAt = r.runs[n-1].CreatedAt.Add(time.Minute)
		}
	}
	if run.UpdatedAt.IsZero() {
		run.UpdatedAt = run.CreatedAt
	}
	if run.HeadRepo == nil && !run.HeadRepoDeleted {
		run.HeadRepo = r
	}
	r.runs, r.newestRuns = append(r.runs, &run), nil
	return &run
}

// digestOf returns the digest of a blob's bytes.
func digestOf(b Blob) string {
	h := sha256.New()
	size := b.Size()
	buf := make([]byte, min(max(size, 1), 32<<10))                // worlds have thousands of small blobs
	_, _ = io.CopyBuffer(h, io.NewSectionReader(b, 0, size), buf) // blobs do not fail
	return "sha256:" + hex.EncodeToString(h.Sum(nil))
}

// AddArtifact adds an artifact to the run.
func (run *Run) AddArtifact(a Artifact) *Artifact {
	r := run.repo
	if a.Blob == nil {
		a.Blob = Zip()
	}
	if a.Digest == "" && !a.NoDigest && !r.sim.opt.Enterprise {
		if z, ok := a.Blob.(*bigZip); ok {
			a.Digest = z.digest()
		} else {
			a.Digest = digestOf(a.Blob)
		}
	}
	r.sim.mu.Lock()
	defer r.sim.mu.Unlock()
	a.run = run
	a.ID = cmp.Or(a.ID, r.sim.id())
	if a.CreatedAt.IsZero() {
		a.CreatedAt = run.CreatedAt.Add(time.Duration(1+len(r.artifacts)) * time.Second)
	}
	if a.ExpiresAt.IsZero() {
		a.ExpiresAt = a.CreatedAt.AddDate(0, 0, 90)
		if now := r.sim.opt.Now(); a.Expired && a.ExpiresAt.After(now) {
			a.ExpiresAt = now.Add(-time.Hour)
		}
	}
	if a.ContentType == "" {
		a.ContentType = "application/zip"
		a.ContentDisposition = cmp.Or(a.ContentDisposition, fmt.Sprintf(`attachment; filename="%s.zip"`, a.Name))
	}
	if run.made == nil {
		run.made = map[string]int{}
	}
	run.made[a.Name]++
	// An attempt makes only one artifact of a name.
	run.Attempt, run.json = max(run.Attempt, run.made[a.Name]), nil
	r.artifacts, r.newestArtifacts = append(r.artifacts, &a), nil
	r.sim.blobs[a.key()] = &stored{
		blob: a.Blob, etag: fmt.Sprintf(`"0x%X"`, a.ID*7919), contentType: a.ContentType, disposition: a.ContentDisposition,
	}
	return &a
}

// Artifacts returns the ids of the artifacts that were not deleted.
func (r *Repo) Artifacts() []int64 {
	r.sim.mu.Lock()
	defer r.sim.mu.Unlock()
	var ids []int64
	for _, a := range r.artifacts {
		ids = append(ids, a.ID)
	}
	return ids
}

// Expire makes an artifact expired: its download is answered with 410 from now on. If
// tell is set, lists show it as expired, too.
func (s *Sim) Expire(a *Artifact, tell bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a.Expired, a.json = tell, nil
	delete(s.blobs, a.key())
}
