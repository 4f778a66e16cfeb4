package workspace

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// ProtectedError says that an artifact would write files that other programs obey: into
// Git's own directory, whose configuration and hooks hold commands, or into the directories
// through which steps communicate with the runner.
type ProtectedError struct {
	Label string // of the tree
	Entry string // below the destination
	Place string // the protected directory or file, below the destination's root
	// Runner is set if the place belongs to the runner; else it belongs to Git.
	Runner bool
}

func (e *ProtectedError) Error() string {
	why := "Git's own and existed before"
	if e.Runner {
		why = "the runner's own"
	}
	return fmt.Sprintf("artifact %q: entry %q would be written into %q, which is %s", e.Label, e.Entry, e.Place, why)
}

// guard knows the places below the destination's root that no artifact writes to. Paths are
// real ones, relative to the root.
type guard struct {
	base   string
	runner []string
	// git has the directories that .git files and symlinks lead to. It grows as the walk
	// meets them; before is its length when the walk began.
	git    []string
	before int
	// beside is the directory whose .git was looked at last.
	beside string
	dotGit uint64 // its inode; 0 is none
}

// begin finds the places that are protected whatever the trees hold.
func (g *guard) begin(s *Stage) error {
	g.base = s.base
	for _, dir := range s.dest.Guarded {
		rel, ok := below(s.dest.Root, dir)
		if !ok {
			continue
		}
		rel = filepath.ToSlash(rel)
		g.runner = append(g.runner, rel)
		if led, err := follow(handleLister{s.at}, ".", rel); err == nil && led != rel {
			g.runner = append(g.runner, led)
		}
	}
	for at := s.base; ; at = path.Dir(at) {
		if err := g.read(s, at); err != nil {
			return err
		}
		if at == "." {
			break
		}
	}
	g.before = len(g.git)
	return nil
}

// grew reports whether the walk found new protected places, so that the plan has to be made
// again.
func (g *guard) grew() bool {
	grew := len(g.git) > g.before
	g.before = len(g.git)
	return grew
}

// checkName refuses a path because of its name alone, whether or not it exists. A path that
// leads to the destination is the user's choice.
func (g *guard) checkName(p *planner, to spot, from child) error {
	if !p.inside(to) {
		return nil
	}
	for _, place := range g.runner {
		if withinFold(to.real, place) {
			return p.protected(to, from, place, true)
		}
	}
	if !isDotGit(path.Base(to.real)) {
		return nil
	}
	dir := path.Dir(to.real)
	for _, name := range dotGits {
		info, err := p.stage.at.lookup(path.Join(dir, name))
		if err != nil {
			return fmt.Errorf("look at what is there: %w", err)
		}
		if info != nil {
			return p.protected(to, from, path.Join(dir, name), false)
		}
	}
	return nil
}

// checkExisting refuses an existing path: one that a symlink led into a protected place, and
// a .git under another name, on file systems that fold names.
func (g *guard) checkExisting(p *planner, to spot, info *info, from child) error {
	if err := g.look(p.stage.at, path.Dir(to.real)); err != nil {
		return err
	}
	if g.dotGit != 0 && g.dotGit == info.ino {
		return p.protected(to, from, path.Join(path.Dir(to.real), ".git"), false)
	}
	if !info.IsDir() {
		return nil
	}
	if place, ok := g.within(to.real); ok {
		return p.protected(to, from, place, slices.Contains(g.runner, place))
	}
	return g.read(p.stage, to.real)
}

// within returns the protected place that a directory lies in, except places that the
// destination itself lies in.
func (g *guard) within(at string) (string, bool) {
	if place, ok := g.known(at); ok {
		return place, true
	}
	return g.dotGitIn(at)
}

// known is within for the runner's places and for the targets of .git files and symlinks.
func (g *guard) known(at string) (string, bool) {
	for _, place := range g.runner {
		if withinFold(at, place) {
			return place, true
		}
	}
	for _, place := range g.git {
		if within(at, place) && !within(g.base, place) {
			return place, true
		}
	}
	return "", false
}

// dotGitIn returns the .git that a path leads through, unless the destination lies in that
// one as well.
func (g *guard) dotGitIn(at string) (string, bool) {
	end := 0
	for part := range strings.SplitSeq(at, "/") {
		end += len(part)
		if isDotGit(part) && !within(g.base, at[:end]) {
			return at[:end], true
		}
		end++
	}
	return "", false
}

// look sets dotGit to the inode of the .git in a directory.
func (g *guard) look(at *handles, dir string) error {
	if g.beside == dir {
		return nil
	}
	info, err := at.lookup(path.Join(dir, ".git"))
	if err != nil {
		return fmt.Errorf("look at what is there: %w", err)
	}
	g.beside, g.dotGit = dir, 0
	if info != nil {
		g.dotGit = info.ino
	}
	return nil
}

// read finds where a directory's .git leads, if it is a symlink, or a file as in submodules
// and worktrees. Source: gitrepository-layout(5).
func (g *guard) read(s *Stage, dir string) error {
	at := path.Join(dir, ".git")
	info, err := s.at.lstat(at)
	if err == nil && info.Mode()&fs.ModeSymlink != 0 {
		if at, err = follow(handleLister{s.at}, dir, ".git"); err == nil {
			g.add(at)
			info, err = s.at.lstat(at)
		}
	}
	if err != nil || !info.Mode().IsRegular() {
		return nil //nolint:nilerr // there is none that leads anywhere, or it leads out of the root
	}
	target, ok := strings.CutPrefix(firstLine(s.at, at), "gitdir: ")
	if !ok {
		return nil
	}
	gitDir, ok := g.lead(s, path.Dir(at), target)
	if !ok {
		return nil
	}
	// The Git directory of a worktree names the one that it shares with other worktrees.
	if common := firstLine(s.at, path.Join(gitDir, "commondir")); common != "" {
		g.lead(s, gitDir, common)
	}
	return nil
}

// lead adds the directory that a path in one of Git's files leads to.
func (g *guard) lead(s *Stage, dir, target string) (string, bool) {
	if filepath.IsAbs(target) {
		rel, ok := below(s.dest.Root, filepath.Clean(target))
		if !ok {
			return "", false
		}
		dir, target = ".", filepath.ToSlash(rel)
	}
	led, err := follow(handleLister{s.at}, dir, target)
	if err != nil {
		return "", false // to nothing, or out of the root
	}
	g.add(led)
	return led, true
}

func (g *guard) add(at string) {
	if !slices.Contains(g.git, at) {
		g.git = append(g.git, at)
	}
}

// firstLine returns the first line of a small file, or "" if there is none.
func firstLine(at *handles, name string) string {
	info, err := at.lookup(name)
	if err != nil || info == nil || !info.mode.IsRegular() {
		return ""
	}
	f, err := at.openFile(name, os.O_RDONLY)
	if err != nil {
		return ""
	}
	defer func() { _ = f.Close() }()
	b, err := io.ReadAll(io.LimitReader(f, 8<<10))
	if err != nil {
		return ""
	}
	line, _, _ := strings.Cut(string(b), "\n")
	return strings.TrimRight(line, "\r")
}

// protected returns the error for an entry that would be written into a protected place. If
// the entry is a directory, the error names the first file in it.
func (p *planner) protected(to spot, from child, place string, runner bool) error {
	return &ProtectedError{Label: from.tree.Label, Entry: path.Join(p.show(to), p.example(from)), Place: place, Runner: runner}
}

// example returns the path of a file below what a source has; "." for a file, and if there
// is none.
func (p *planner) example(c child) string {
	at := "."
	for c.isDir {
		var first *entry
		err := p.list(c.source, func(batch []entry) error {
			if len(batch) > 0 {
				first = &batch[0]
			}
			return fs.SkipAll
		})
		if err != nil && !errors.Is(err, fs.SkipAll) || first == nil {
			break
		}
		at, c = path.Join(at, first.name), first.child
	}
	return at
}

// dotGits are all spellings of .git.
var dotGits = []string{".git", ".giT", ".gIt", ".gIT", ".Git", ".GiT", ".GIt", ".GIT"}

func isDotGit(name string) bool    { return strings.EqualFold(name, ".git") }
func isDotGitHub(name string) bool { return strings.EqualFold(name, ".github") }

// inDotGitHub reports whether a path leads through a .github.
func inDotGitHub(at string) bool {
	for part := range strings.SplitSeq(at, "/") {
		if isDotGitHub(part) {
			return true
		}
	}
	return false
}

// dotGitsIn counts the components of a path that are a .git.
func dotGitsIn(at string) int {
	n := 0
	for part := range strings.SplitSeq(at, "/") {
		if isDotGit(part) {
			n++
		}
	}
	return n
}

// withinFold is within for file systems that ignore case.
func withinFold(p, dir string) bool { return within(strings.ToLower(p), strings.ToLower(dir)) }

// guardDestination refuses a destination that lies in a protected place although its path
// does not say so: a symlink leads there, which an earlier artifact may have brought.
func (s *Stage) guardDestination() error {
	var g guard
	if err := g.begin(s); err != nil {
		return err
	}
	// What the path itself says counts, not where it leads.
	g.base = filepath.ToSlash(s.dest.Rel)
	place, ok := g.known(s.base)
	if !ok && dotGitsIn(s.base) > dotGitsIn(g.base) {
		place, ok = g.dotGitIn(s.base)
	}
	if ok {
		reason := "leads through a symlink into %s, which is Git's own"
		if slices.Contains(g.runner, place) {
			reason = "leads into %s, which is the runner's own"
		}
		return &PathError{s.dest.Output, fmt.Sprintf(reason, filepath.Join(s.dest.Root, filepath.FromSlash(place)))}
	}
	return nil
}
