package search

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/artifetch/artifetch/internal/artifact"
	"github.com/artifetch/artifetch/internal/lazy"
	"github.com/artifetch/artifetch/internal/suggest"
)

// AnyWorkflow as a workflow means all of them.
const AnyWorkflow = "*"

var (
	fullSHA  = lazy.Regexp(`^[0-9a-fA-F]{40}$|^[0-9a-fA-F]{64}$`)
	shortSHA = lazy.Regexp(`^[0-9a-fA-F]{7,}$`)
	numeric  = lazy.Regexp(`^[0-9]+$`)
	fileName = lazy.Regexp(`\.ya?ml$`)
	// workflowRef matches a workflow's path, and github.workflow_ref.
	workflowRef = lazy.Regexp(`^(?:.*?/)?(\.github/workflows/[^/]+?\.ya?ml)(?:@.*)?$`)
)

// resolved is what the names in a request stand for in one repository.
type resolved struct {
	workflow workflowFilter
	shas     []string // all that were asked for, commit and ref
	branches []string // in order of preference; empty for any
	pull     *artifact.PullRequest
}

// begin resolves the request and, side by side with that, reads what does not depend on
// it: the first pages of the lists of artifacts, and of the list of all runs.
func (f *finder) begin(ctx context.Context) (resolved, error) {
	var res resolved
	todo := []request{func(ctx context.Context) (func(), error) {
		found, err := f.resolve(ctx)
		return func() { res = found }, err
	}}
	all := f.facts.all
	todo = append(todo, func(ctx context.Context) (func(), error) {
		p, err := f.allRuns(ctx, RunQuery{PerPage: all.perPage, Page: 1})
		return func() {
			all.add(1, p)
			for _, r := range p.Items {
				f.facts.know(r)
			}
		}, err
	})
	for _, l := range f.facts.lists {
		todo = append(todo, f.readArtifacts(l, 1)...)
	}
	err := send(ctx, todo)
	if err == nil && f.searchesCurrentWorkflow() {
		res.workflow = workflowFilter{file: f.req.CurrentWorkflow}
	}
	return res, err
}

// resolve asks side by side for what a search depends on.
func (f *finder) resolve(ctx context.Context) (resolved, error) {
	var res resolved
	var commit, ref, branch string
	var g group
	g.Go(func() (err error) {
		res.workflow, err = f.workflow(ctx)
		return err
	})
	if f.req.PR != 0 {
		g.Go(func() error {
			pull, err := f.source.PullRequest(ctx, f.repo, f.req.PR)
			res.pull = &pull
			return err
		})
	}
	if f.req.Commit != "" {
		g.Go(func() (err error) {
			commit, err = f.commit(ctx, f.req.Commit)
			return err
		})
	}
	if f.req.Ref != "" {
		g.Go(func() (err error) {
			branch, ref, err = f.ref(ctx)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return resolved{}, err
	}
	for _, sha := range []string{commit, ref} {
		if sha != "" {
			res.shas = append(res.shas, sha)
		}
	}
	res.branches = slices.Clone(f.req.Branches)
	if branch != "" {
		if len(res.branches) > 0 && !slices.Contains(res.branches, branch) {
			return resolved{}, f.missing(fmt.Sprintf("a run that is both of the branch %s and of %s", quote(branch), eitherQuoted(res.branches)))
		}
		res.branches = []string{branch}
	}
	return res, nil
}

// workflow resolves the input workflow: a file name, a path, an id or a display
// name.
func (f *finder) workflow(ctx context.Context) (workflowFilter, error) {
	w := f.req.Workflow
	switch {
	case w == "" || w == AnyWorkflow:
		return workflowFilter{}, nil
	case displayName(w):
		return f.workflowNamed(ctx, w)
	case numeric().MatchString(w):
		id, err := strconv.ParseInt(w, 10, 64)
		if err != nil {
			return workflowFilter{}, f.missing("workflow " + quote(w)) // no id is that large
		}
		return workflowFilter{id: id}, nil
	case workflowRef().MatchString(w):
		return workflowFilter{path: workflowRef().FindStringSubmatch(w)[1]}, nil
	}
	return workflowFilter{file: path.Base(w)}, nil // all lie in one directory
}

// displayName reports whether w is a workflow's display name, or a path as GitHub's
// own workflows have it (dynamic/pages/pages-build), and not a file name or an id.
// File names have no blanks as a rule.
func displayName(w string) bool {
	if w == AnyWorkflow || numeric().MatchString(w) || workflowRef().MatchString(w) {
		return false
	}
	return !fileName().MatchString(w) || strings.ContainsAny(w, " \t")
}

// workflowNamed looks for the workflow with a name or path.
func (f *finder) workflowNamed(ctx context.Context, w string) (workflowFilter, error) {
	all, err := f.source.Workflows(ctx, f.repo)
	if err != nil {
		return workflowFilter{}, err
	}
	var named []artifact.Workflow
	for _, v := range all {
		if v.Name == w || v.Path == w || path.Base(v.Path) == w {
			named = append(named, v)
		}
	}
	if active := slices.DeleteFunc(slices.Clone(named), func(v artifact.Workflow) bool { return !v.Active }); len(active) > 0 {
		named = active
	}
	switch len(named) {
	case 0:
		return workflowFilter{}, f.noWorkflow(w, all)
	case 1:
		return workflowFilter{id: named[0].ID}, nil
	}
	var paths []string
	for _, v := range named {
		paths = append(paths, v.Path)
	}
	return workflowFilter{}, &AmbiguousError{Input: "workflow", Value: w, Repo: f.repo, Choices: paths}
}

// workflowID returns the id of a workflow whose runs the server does not list, as err
// says. It fails where the repository has no such workflow, or is not there itself.
func (f *finder) workflowID(ctx context.Context, w workflowFilter, err error) (int64, error) {
	all, listErr := f.source.Workflows(ctx, f.repo)
	if listErr != nil {
		return 0, err
	}
	for _, v := range all {
		if v.ID == w.id || w.id == 0 && path.Base(v.Path) == w.query() {
			return v.ID, nil
		}
	}
	return 0, f.noWorkflow(w.query(), all)
}

// noWorkflow returns the error for a workflow that does not exist.
func (f *finder) noWorkflow(asked string, all []artifact.Workflow) error {
	nf := f.missing("workflow " + quote(asked))
	var names []string
	for _, w := range all {
		names = append(names, path.Base(w.Path))
		nf.Workflows = append(nf.Workflows, fmt.Sprintf("%s (%s)", path.Base(w.Path), w.Name))
		if !fileName().MatchString(asked) {
			names = append(names, w.Name)
		}
	}
	nf.DidYouMean = suggest.Nearest(asked, names)
	nf.Default = f.defaultWorkflow()
	return nf
}

// missing returns the error for something that is missing, other than an artifact.
func (f *finder) missing(what string) *NotFoundError {
	return &NotFoundError{Repo: f.repo, What: what, Final: true}
}

// NeedsContents reports whether resolving the request takes read access to the
// repository's contents.
func (r Request) NeedsContents() bool {
	named := func(ref string) bool {
		return ref != "" && !fullSHA().MatchString(ref) && !strings.HasPrefix(ref, "refs/heads/")
	}
	return named(r.Commit) || named(r.Ref)
}

// commit resolves a full or abbreviated SHA, or a tag. A short string of
// hexadecimal digits may be an abbreviated SHA or a tag.
func (f *finder) commit(ctx context.Context, name string) (string, error) {
	if fullSHA().MatchString(name) {
		return strings.ToLower(name), nil
	}
	if shortSHA().MatchString(name) {
		sha, err := f.source.Commit(ctx, f.repo, name)
		switch {
		case err == nil && strings.HasPrefix(sha, strings.ToLower(name)):
			return sha, nil
		case err != nil && !errors.Is(err, artifact.ErrNotFound):
			return "", err
		}
	}
	return f.source.Commit(ctx, f.repo, "tags/"+name)
}

// ref resolves the input ref to a branch, or else to a commit.
func (f *finder) ref(ctx context.Context) (branch, sha string, err error) {
	name := f.req.Ref
	if branch, ok := strings.CutPrefix(name, "refs/heads/"); ok {
		return branch, "", nil
	}
	if tag, ok := strings.CutPrefix(name, "refs/tags/"); ok {
		sha, err = f.source.Commit(ctx, f.repo, "tags/"+tag)
		return "", sha, err
	}
	if !fullSHA().MatchString(name) {
		err := f.source.Branch(ctx, f.repo, name)
		if err == nil {
			return name, "", nil
		}
		if !errors.Is(err, artifact.ErrNotFound) {
			return "", "", err
		}
	}
	sha, err = f.commit(ctx, name)
	return "", sha, err
}

// own reports whether the repository is the one where artifetch itself runs. It may be
// asked for by a former name, so the server's first answers tell, too.
func (f *finder) own() bool {
	is := func(id int64) bool { return id != 0 && id == f.req.OwnID }
	if f.repo.Equal(f.req.Own) {
		return true
	}
	for _, r := range f.facts.all.items {
		if now, err := artifact.ParseRepo(r.RepoName); is(r.RepoID) || err == nil && now.Equal(f.req.Own) {
			return true
		}
	}
	for _, l := range f.facts.lists {
		for _, of := range l.byRun {
			if is(of[0].Run.RepoID) {
				return true
			}
		}
	}
	return false
}

// searchesCurrentWorkflow reports whether the workflow to search is the current one, as
// none is given.
func (f *finder) searchesCurrentWorkflow() bool {
	return f.req.Workflow == "" && f.req.CurrentWorkflow != "" && f.own()
}

// filters returns the filter of each search that the request comes down to, in the
// order in which they are tried: the head commit of a pull request before its head
// branch, and branches in the order given.
func (f *finder) filters(res resolved) []filter {
	base := filter{
		workflow: res.workflow, events: newOneOf(f.req.Events), actor: f.req.Actor, conclusions: newOneOf(f.req.Conclusions),
		number: f.req.RunNumber, notBefore: f.notBefore, allowForks: f.req.AllowForks,
		current: f.req.CurrentRun, whyNot: f.req.currentLacks, // ids are the server's, not the repository's
		completed: f.req.Waiting && len(f.req.Select.Names) == 0,
	}
	base.workflow.own = &ownRuns{ids: map[int64]bool{}}
	all := []filter{base}
	for _, sha := range res.shas {
		all = vary(all, func(g *filter) bool { return restrict(&g.sha, sha) })
	}
	if res.pull != nil {
		p := *res.pull
		// A branch of a deleted repository cannot be told from a branch of another
		// one with the same name. A fork that does not count needs no search.
		branchToo := p.HeadRepoID != 0 && (f.req.AllowForks || !p.Origin().Foreign())
		heads := []func(*filter) bool{func(g *filter) bool {
			g.branchNext = branchToo
			return restrict(&g.sha, p.HeadSHA)
		}}
		if branchToo {
			heads = append(heads, func(g *filter) bool {
				g.headRepoID = p.HeadRepoID
				return restrict(&g.branch, p.HeadBranch)
			})
		}
		all = vary(all, heads...)
	}
	var branches []func(*filter) bool
	for _, b := range res.branches {
		branches = append(branches, func(g *filter) bool { return restrict(&g.branch, b) })
	}
	if len(branches) == 0 {
		return all
	}
	return vary(all, branches...)
}

// vary applies each change to each filter, and drops filters that no run can pass.
func vary(all []filter, changes ...func(*filter) bool) []filter {
	var list []filter
	for _, f := range all {
		for _, change := range changes {
			if g := f; change(&g) {
				list = append(list, g)
			}
		}
	}
	return list
}

// restrict sets a condition. It reports false if another value is set already.
func restrict(field *string, to string) bool {
	if *field != "" && *field != to {
		return false
	}
	*field = to
	return true
}

// maxAge returns the time that is age before now, or zero for no age.
func maxAge(age time.Duration, now time.Time) time.Time {
	if age <= 0 {
		return time.Time{}
	}
	return now.Add(-age)
}
