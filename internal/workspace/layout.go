// Package workspace decides where files may go, stages them next to where
// they will be, and publishes them all at once or not at all.
//
// Contract: everything happens below one root (the workspace, the runner's
// temp, HOME, or the developer's directory), through an *os.Root: symlinks
// that are already there are followed inside of it and never out of it.
// Until Publish the destination is not touched; when Publish fails or its
// context ends, every step it made is undone. Close leaves nothing of the
// staging directory.
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
	// Container tells that only the three directories outlive the process.
	Container bool
	// HostWorkspace and HostTemp are the same directories as the runner's
	// host sees them, where known.
	HostWorkspace, HostTemp string
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
}

// Resolve makes a Destination of the input path. In a step it has to lie
// below the workspace, the temp directory or HOME; on a developer's machine
// it may lie anywhere. Its errors are *PathError.
func (l Layout) Resolve(p string) (Destination, error) {
	abs, err := l.absolute(p)
	if err != nil {
		return Destination{}, err
	}
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

// absolute expands ~ and what is relative, and maps a job container's view
// (/__w/<repository>/<repository>, /__w/_temp) to ours: the runner leaves
// such values as they are.
func (l Layout) absolute(p string) (string, error) {
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
	case l.Container && strings.HasPrefix(p, "/__w/_temp"):
		return filepath.Join(l.Temp, strings.TrimPrefix(p, "/__w/_temp")), nil
	case l.Container && strings.HasPrefix(p, "/__w/"):
		parts := strings.SplitN(p, "/", 5) // "", "__w", the repository twice, rest
		return filepath.Join(l.Workspace, strings.Join(parts[min(4, len(parts)):], "")), nil
	case l.HostWorkspace != "" && filepath.IsAbs(p):
		if rel, ok := below(l.HostWorkspace, p); ok {
			return filepath.Join(l.Workspace, rel), nil
		}
		if rel, ok := below(l.HostTemp, p); ok && l.Temp != "" {
			return filepath.Join(l.Temp, rel), nil
		}
		return filepath.Clean(p), nil
	case filepath.IsAbs(p):
		return filepath.Clean(p), nil
	}
	return filepath.Join(base, p), nil
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
		if err != nil || !info.IsDir() {
			return Destination{}, &PathError{p, fmt.Sprintf("lies below %s, which is not a directory", root)}
		}
		rel, _ = below(root, abs)
		return Destination{Root: root, Rel: rel, Abs: abs, Output: abs, HostPath: abs}, nil
	}
	return Destination{Root: l.Dir, Rel: rel, Abs: abs, Output: filepath.ToSlash(rel), HostPath: abs}, nil
}

// host is abs as the runner's host sees it; abs itself where that is not
// known.
func (l Layout) host(abs string) string {
	if rel, ok := below(l.Workspace, abs); ok && l.HostWorkspace != "" {
		return path.Join(l.HostWorkspace, filepath.ToSlash(rel))
	}
	if rel, ok := below(l.Temp, abs); ok && l.HostTemp != "" {
		return path.Join(l.HostTemp, filepath.ToSlash(rel))
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
