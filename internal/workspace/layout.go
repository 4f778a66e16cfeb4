// Package workspace decides where files may go, stages them next to where
// they will be, and publishes them all at once or not at all.
//
// Contract:
//
//   - Everything happens below one root (the workspace, the runner's temp,
//     HOME, or the developer's directory), through an *os.Root.
//   - Until Publish the destination is not touched but for the staging
//     directory, which only its owner can look into. What Publish refuses, it
//     refuses before the first change.
//   - Publish moves: a directory that is new to the destination appears in one
//     rename, with all that belongs into it; only in directories that were there
//     files move one by one. One that replaces another takes its place in one
//     step, and the other is kept in the stage. When a change fails, or the
//     context ends, all are undone in reverse order and the destination is as it
//     was: content, modes, owners, symlinks.
//   - Each change is entered in a journal before it is made. A process that is
//     killed leaves, for each path, its old or its new file; Recover, in the next
//     one, undoes what it finds untouched since, names the rest and removes the
//     stage. A lock tells that a process is gone.
//   - Processes that publish below one root take turns. What others changed
//     between plan and change is planned for anew; what they changed after it is
//     not undone, but named.
//   - A symlink that was there is never written through at the end of a path:
//     a file takes the symlink's place, under the same rule (if-exists) as a
//     file's. On the way, a symlink to a directory is followed if it leads to
//     one inside of the root, as tar and unzip do and as checkouts with linked
//     directories need; if it leads out of the root, or to nothing, Publish
//     refuses. An absolute target counts as leading out.
//   - A symlink that is published leads to a place in the destination, as that
//     will be: through what was there and through the symlinks of all trees.
//     It may lead to nothing, but its target may go up ("..") only from
//     directories: what a symlink leads to, and what is not there, may be
//     another thing after the next download. Where one that was there had led
//     its own place out of the destination, it may not leave the directory that
//     one leads to.
//   - No tree writes into a .git that was there, in any spelling and by any way,
//     into the directory that one leads to, or into the directories by which the
//     runner and its steps talk, unless the destination's path itself lies in
//     that .git. That is refused by name.
//   - Memory does not grow with the number of files, nor the number of open
//     directories with theirs.
//   - Close leaves nothing of the staging directory. The one exception are
//     replaced files that could not be moved back: they are kept, and the
//     error of Publish says where.
//
// What this does not cover: power loss, for nothing is synced; and systems or
// file systems without locks, where the stage of a killed process stays.
package workspace

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// Layout is how the runner laid out its directories, as this process sees
// them. Empty directories are absent.
type Layout struct {
	Workspace, Temp, Home string
	// Dir is where relative paths start outside of Actions.
	Dir string
	// RunnerTemp is the runner's temporary directory where Temp is not set: the
	// command writes wherever it is told to, but for the runner's own files.
	RunnerTemp string
	// Container is set where only the three directories outlive the process.
	Container bool
	// HostWorkspace, HostTemp and HostHome are the same directories as the
	// runner's host sees them, where known.
	HostWorkspace, HostTemp, HostHome string
}

// PathError says why a path cannot be a destination.
type PathError struct {
	Path, Reason string
}

func (e *PathError) Error() string { return fmt.Sprintf("path %q %s", e.Path, e.Reason) }

// Destination is a directory that may be written to. It need not exist.
type Destination struct {
	// Root is the directory that confines it; it exists. Rel is the
	// destination below it, "." for Root itself.
	Root, Rel string
	// Abs is Root and Rel joined.
	Abs string
	// Output is the path for later steps: below the workspace where it lies
	// in it, else absolute.
	Output string
	// HostPath is the absolute path on the runner's host, as far as known.
	HostPath string
	// Guarded are absolute paths of directories that no artifact may write to.
	Guarded []string
}

// Resolve makes a Destination of the input path. In a step it has to lie
// below the workspace, the temp directory or HOME; on a developer's machine
// it may lie anywhere. Its errors are *PathError.
func (l Layout) Resolve(p string) (Destination, error) {
	abs, err := l.Locate(p)
	if err != nil {
		return Destination{}, err
	}
	guarded := l.guarded()
	for _, dir := range guarded {
		if withinFold(filepath.ToSlash(abs), filepath.ToSlash(dir)) {
			return Destination{}, &PathError{short(p), fmt.Sprintf("lies in %s, which is the runner's own", dir)}
		}
	}
	if err := checkLength(p, abs); err != nil {
		return Destination{}, err
	}
	d, err := l.destination(p, abs)
	if err != nil {
		return Destination{}, err
	}
	d.Guarded = guarded
	return d, checkLength(p, d.HostPath)
}

// guarded lists the directories by which steps and the runner talk, and which
// no artifact writes to: what they hold sets variables of later steps. Source:
// TempDirectoryManager and FileCommandManager of actions/runner.
func (l Layout) guarded() []string {
	var list []string
	for _, temp := range []string{l.Temp, l.RunnerTemp} {
		if temp != "" {
			list = append(list, filepath.Join(temp, "_runner_file_commands"), filepath.Join(temp, "_github_workflow"))
		}
	}
	return list
}

// What Linux opens: a path and its NUL, a name.
const (
	maxPath = 4095
	maxName = 255
	// stageRoom is what a path in the stage has more than the destination's.
	stageRoom = 64
)

// checkLength refuses a destination that could be made, name by name, but not
// be opened by its path: not by the next run, nor by other steps.
func checkLength(p, abs string) error {
	if len(abs) > maxPath-stageRoom {
		return &PathError{short(p), fmt.Sprintf("is an absolute path of %d bytes, and %d is the most that other steps could open", len(abs), maxPath-stageRoom)}
	}
	for name := range strings.SplitSeq(filepath.ToSlash(abs), "/") {
		if len(name) > maxName && filepath.Separator == '/' {
			return &PathError{short(p), fmt.Sprintf("has a directory name of %d bytes, and %d is the most there can be", len(name), maxName)}
		}
	}
	return nil
}

// short is a path for a message: what is too long to be one is cut.
func short(p string) string {
	const most = 100
	if len(p) <= 2*most {
		return p
	}
	return p[:most] + "…" + p[len(p)-most:]
}

// destination is Resolve without what holds for all of them.
func (l Layout) destination(p, abs string) (Destination, error) {
	if l.Workspace == "" {
		return l.anywhere(p, abs)
	}
	for _, root := range []string{l.Workspace, l.Temp, l.Home} {
		if rel, ok := below(root, abs); ok {
			d := Destination{Root: root, Rel: rel, Abs: abs, Output: abs, HostPath: l.host(abs)}
			if rel, ok := below(l.Workspace, abs); ok {
				d.Output = filepath.ToSlash(rel)
			}
			if _, err := os.Stat(root); err != nil {
				return Destination{}, &PathError{p, fmt.Sprintf("lies in %s, which is not there: %v", root, errors.Unwrap(err))}
			}
			return d, nil
		}
	}
	var roots []string
	for _, root := range []string{l.Workspace, l.Temp, l.Home} {
		if root != "" {
			roots = append(roots, root)
		}
	}
	why := "lies outside of the directories a step may write to"
	if l.Container {
		why = "lies outside of the directories that outlive this container, so the files would be lost"
	}
	return Destination{}, &PathError{p, fmt.Sprintf("%s; choose one below %s", why, strings.Join(roots, ", "))}
}

// Locate makes an absolute path, as this process sees it, of one that a
// workflow may hold: it expands ~ and what is relative, and maps what other
// views of the same directories look like to ours. The path need not exist,
// and may lie anywhere. Its errors are *PathError.
func (l Layout) Locate(p string) (string, error) {
	base := l.Workspace
	if base == "" {
		base = l.Dir
	}
	switch {
	case strings.Contains(p, "\x00"):
		return "", &PathError{p, "holds a NUL byte"}
	case p == "~" || strings.HasPrefix(p, "~/"):
		if l.Home == "" {
			return "", &PathError{p, "needs HOME, which is not set"}
		}
		return filepath.Join(l.Home, p[1:]), nil
	case !filepath.IsAbs(p):
		return filepath.Join(base, p), nil
	}
	abs := filepath.Clean(p)
	for _, v := range l.views(abs) {
		rel, ok := below(v.theirs, abs)
		switch {
		case !ok:
		case v.ours == "":
			return "", &PathError{p, fmt.Sprintf("lies in %s, which is not mounted into this container: that takes runner 2.329.0 or later", v.theirs)}
		default:
			return filepath.Join(v.ours, rel), nil
		}
	}
	return abs, nil
}

// view is a directory by its path on the host, or in another container, and by
// its path here.
type view struct{ theirs, ours string }

// views lists how the host, and the steps of a job in a container, see our
// directories: the runner leaves such values as they are when they are not
// the whole value of an input. The first that fits counts; HOME lies in temp.
func (l Layout) views(abs string) []view {
	v := []view{{l.HostHome, l.Home}, {l.HostTemp, l.Temp}, {l.HostWorkspace, l.Workspace}}
	if !l.Container {
		return v
	}
	v = append(v, view{"/__w/_temp/_github_home", l.Home}, view{"/__w/_temp", l.Temp})
	// The workspace is /__w/<repository>/<repository>; anything else there is
	// not ours.
	if parts := strings.SplitN(abs, "/", 5); len(parts) >= 4 && parts[1] == "__w" && parts[2] == parts[3] {
		if l.HostWorkspace == "" || path.Base(l.HostWorkspace) == parts[2] {
			v = append(v, view{path.Join("/__w", parts[2], parts[3]), l.Workspace})
		}
	}
	return v
}

// anywhere resolves a path outside of Actions. The root is the current
// directory, or else the nearest directory that exists.
func (l Layout) anywhere(p, abs string) (Destination, error) {
	root := l.Dir
	rel, ok := below(root, abs)
	for root = abs; !ok; root = filepath.Dir(root) {
		info, err := os.Stat(root)
		if errors.Is(err, fs.ErrNotExist) && filepath.Dir(root) != root {
			continue
		}
		if err != nil {
			return Destination{}, &PathError{p, fmt.Sprintf("leads through %s: %v", root, errors.Unwrap(err))}
		}
		if !info.IsDir() {
			return Destination{}, &PathError{p, fmt.Sprintf("is or leads through %s, which is a file", root)}
		}
		rel, _ = below(root, abs)
		return Destination{Root: root, Rel: rel, Abs: abs, Output: abs, HostPath: abs}, nil
	}
	return Destination{Root: l.Dir, Rel: rel, Abs: abs, Output: filepath.ToSlash(rel), HostPath: abs}, nil
}

// host is abs as the runner's host sees it; abs itself where that is not
// known.
func (l Layout) host(abs string) string {
	for _, v := range []view{{l.HostWorkspace, l.Workspace}, {l.HostHome, l.Home}, {l.HostTemp, l.Temp}} {
		if rel, ok := below(v.ours, abs); ok && v.theirs != "" {
			return path.Join(v.theirs, filepath.ToSlash(rel))
		}
	}
	return abs
}

// below gives p relative to root, if it lies there.
func below(root, p string) (string, bool) {
	if root == "" {
		return "", false
	}
	rel, err := filepath.Rel(root, p)
	if err != nil || rel == ".." || strings.HasPrefix(rel, ".."+string(filepath.Separator)) {
		return "", false
	}
	return rel, true
}
