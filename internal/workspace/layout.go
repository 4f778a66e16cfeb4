// Package workspace decides where files may go, stages them next to their
// destination, and publishes all of them or none.
//
// Contract:
//
//   - Everything happens below one root (the workspace, the runner's temporary
//     directory, HOME, or the developer's directory), through an *os.Root.
//   - Until Publish the only thing written to the destination is the staging
//     directory, which only its owner can look into. Everything that Publish
//     refuses, it refuses before the first change.
//   - Publish moves files. A directory that is new to the destination appears in
//     one rename, with all of its content; files go one by one only into
//     directories that existed. A file that replaces another takes its place in
//     one step, and the replaced file is kept in the stage. When a change fails,
//     or the context ends, all changes are undone in reverse order and the
//     destination is as it was: content, modes, owners, symlinks.
//   - Files that go to another mount are copied to a second stage there before the first
//     change, and are renamed from that one. A read-only mount, and a mount that is a
//     single file, are refused.
//   - Each change is entered in a journal before it is made. A killed process
//     leaves, for each path, the old file or the new one. Recover, called by the
//     next process, undoes the changes that were not touched since, names the
//     others and removes the stage. A lock shows whether a process still runs.
//   - Processes that publish below one root take turns. If another process
//     changes the destination between plan and change, Publish plans again; what
//     another process changes after that is not undone, but named.
//   - Publish never writes through a symlink at the end of a path: the new file
//     replaces the symlink itself, under the same rule (if-exists) as a file.
//     A symlink on the way is followed if it leads to a directory inside of the
//     root, as tar and unzip do and as checkouts with linked directories need;
//     if it leads out of the root, or to nothing, Publish refuses. An absolute
//     target counts as leading out.
//   - A published symlink must lead to a place in the destination as that will
//     be: through what existed before and through the symlinks of all trees. It
//     may lead to nothing, but its target may go up ("..") only from
//     directories, since the target of a symlink, or a path that does not exist,
//     may be something else after the next download. A symlink published below a
//     pre-existing symlink that leaves the destination must stay inside that
//     symlink's target.
//   - No tree writes into a .git that existed before (in any spelling, by any
//     route), into the directory that such a .git leads to, or into the
//     directories through which the runner and its steps communicate. A .git is
//     exempt only if the destination's own path lies in it. The error names
//     the entry and the place.
//   - Memory does not grow with the number of files, except by 24 bytes for each name
//     in a directory that several trees have. The number of open directories does not
//     grow with the number of directories.
//   - Close removes the whole staging directory, except replaced files that could
//     not be moved back: they are kept, and the error of Publish says where.
//
// Not covered: power loss, since nothing is synced; and systems or file systems
// without locks, where the stage of a killed process stays.
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

// Layout holds the runner's directories, as this process sees them. A directory that does
// not exist is "".
type Layout struct {
	Workspace, Temp, Home string
	// Dir is the directory that relative paths start from outside of Actions.
	Dir string
	// RunnerTemp is the runner's temporary directory if Temp is not set. Outside of
	// Actions the command may write anywhere except to the runner's own files in it.
	RunnerTemp string
	// Container is set if only Workspace, Temp and Home outlive the process.
	Container bool
	// HostWorkspace, HostTemp and HostHome are the paths of the same directories on the
	// runner's host, if they are known.
	HostWorkspace, HostTemp, HostHome string
}

// PathError says why a path cannot be a destination.
type PathError struct {
	Path, Reason string
}

func (e *PathError) Error() string { return fmt.Sprintf("path %q %s", e.Path, e.Reason) }

// Destination is a directory that may be written to. It need not exist.
type Destination struct {
	// Root is the directory that confines the destination; it exists. Rel is the
	// destination below it, "." for Root itself.
	Root, Rel string
	// Abs is Root and Rel joined.
	Abs string
	// Workspace is the workspace of the step, which Root need not be. It is empty outside of
	// Actions.
	Workspace string
	// Output is the path for later steps: relative to the workspace if the destination lies
	// in it, else absolute.
	Output string
	// HostPath is the absolute path on the runner's host, or Abs if that is not known.
	HostPath string
	// Guarded are absolute paths of directories that no artifact may write to.
	Guarded []string
}

// Resolve makes a Destination of the input path. In a step the path must lie below the
// workspace, the temp directory or HOME; on a developer's machine it may lie anywhere. Its
// errors are *PathError.
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

// guarded lists the directories through which steps and the runner communicate. No artifact
// writes to them, since their files set variables of later steps. Source:
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

// Limits of Linux, in bytes: a path without its NUL, a name.
const (
	maxPath = 4095
	maxName = 255
	// stageExtra is how much longer a path in the stage is than in the destination.
	stageExtra = 64
)

// checkLength refuses a destination that could be created name by name, but that neither
// the next run nor other steps could open by its path.
func checkLength(p, abs string) error {
	if len(abs) > maxPath-stageExtra {
		return &PathError{short(p), fmt.Sprintf("is an absolute path of %d bytes; other steps can open at most %d", len(abs), maxPath-stageExtra)}
	}
	for name := range strings.SplitSeq(filepath.ToSlash(abs), "/") {
		if len(name) > maxName && filepath.Separator == '/' {
			return &PathError{short(p), fmt.Sprintf("has a directory name of %d bytes; the limit is %d", len(name), maxName)}
		}
	}
	return nil
}

// short cuts a path that is too long for a message.
func short(p string) string {
	const most = 100
	if len(p) <= 2*most {
		return p
	}
	return p[:most] + "…" + p[len(p)-most:]
}

// destination is Resolve without the checks that hold for every root.
func (l Layout) destination(p, abs string) (Destination, error) {
	if l.Workspace == "" {
		return l.anywhere(p, abs)
	}
	for _, root := range []string{l.Workspace, l.Temp, l.Home} {
		if rel, ok := below(root, abs); ok {
			d := Destination{Root: root, Rel: rel, Abs: abs, Workspace: l.Workspace, Output: abs, HostPath: l.host(abs)}
			if rel, ok := below(l.Workspace, abs); ok {
				d.Output = filepath.ToSlash(rel)
			}
			switch _, err := os.Stat(root); {
			case err == nil:
			case errors.Is(err, fs.ErrNotExist) && l.Container:
				return Destination{}, &PathError{p, fmt.Sprintf("lies in %s, which is not there: it has to be mounted into this container", root)}
			default:
				return Destination{}, &PathError{p, fmt.Sprintf("lies in %s, which cannot be used: %v", root, errors.Unwrap(err))}
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

// Locate returns the absolute path, as this process sees it, of a path from a workflow: it
// expands ~ and relative paths, and maps paths of the host and of other containers to ours.
// The path need not exist, and may lie anywhere. Its errors are *PathError.
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
			return "", &PathError{p, fmt.Sprintf("lies in %s, which is not mounted into this container; runner 2.329.0 or later mounts it", v.theirs)}
		default:
			return filepath.Join(v.ours, rel), nil
		}
	}
	return abs, nil
}

// view is one directory: its path on the host or in another container, and its path here.
type view struct{ theirs, ours string }

// views lists how the host, and the steps of a job in a container, see our directories: the
// runner translates a path only if it is the whole value of an input. The first match
// counts; HOME comes first, since it lies in temp.
func (l Layout) views(abs string) []view {
	v := []view{{l.HostHome, l.Home}, {l.HostTemp, l.Temp}, {l.HostWorkspace, l.Workspace}}
	if !l.Container {
		return v
	}
	v = append(v, view{"/__w/_temp/_github_home", l.Home}, view{"/__w/_temp", l.Temp})
	// The workspace is /__w/<repository>/<repository>; every other path there belongs to
	// something else.
	if parts := strings.SplitN(abs, "/", 5); len(parts) >= 4 && parts[1] == "__w" && parts[2] == parts[3] {
		if l.HostWorkspace == "" || path.Base(l.HostWorkspace) == parts[2] {
			v = append(v, view{path.Join("/__w", parts[2], parts[3]), l.Workspace})
		}
	}
	return v
}

// anywhere resolves a path outside of Actions. The root is the current directory if the
// path lies in it, else the nearest directory that exists.
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

// host returns abs as the runner's host sees it, or abs itself if that is not known.
func (l Layout) host(abs string) string {
	for _, v := range []view{{l.HostWorkspace, l.Workspace}, {l.HostHome, l.Home}, {l.HostTemp, l.Temp}} {
		if rel, ok := below(v.ours, abs); ok && v.theirs != "" {
			return path.Join(v.theirs, filepath.ToSlash(rel))
		}
	}
	return abs
}

// below returns p relative to root, and whether p lies there.
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
