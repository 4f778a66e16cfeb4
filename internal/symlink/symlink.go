// Package symlink follows symlinks, component by component as the kernel does, in a tree
// that is on a disk, in an archive, or only planned.
package symlink

import (
	"bytes"
	"cmp"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// MaxFollowed is how many symlinks are followed for one path, as on Linux.
const MaxFollowed = 40

// Each component of a path, and of the targets on its way, is a step. Ordinary symlinks
// take a dozen; symlinks that take many more than this were made to waste time.
const (
	maxSteps     = 1 << 20
	stepsPerLink = 64
)

// Error says why a path is not followed. Its text goes on after the path's name.
type Error string

func (e Error) Error() string { return string(e) }

// The reasons.
const (
	ErrLeadsOut Error = "leads outside"
	ErrTooMany  Error = "goes through too many symlinks"
	ErrGoesUp   Error = `goes up ("..") from a path that is not a directory`
	ErrTangled  Error = "is too tangled to be followed"
	// ErrLoop is for a path that leads nowhere, because a symlink on its way leads back to
	// itself. Up to that symlink the path stays inside, and nothing behind the symlink goes
	// up: whatever replaces the symlink, the path leads outside only if the replacement does.
	ErrLoop Error = "goes through a symlink that leads to itself"
)

// Kind is what is at a path.
type Kind int

// The kinds of files.
const (
	Nothing Kind = iota
	Directory
	Symlink
	OtherFile
)

// Node is what is at a path, and where it leads if it is a symlink.
type Node struct {
	Kind   Kind
	Target string
}

// Follower follows paths in one tree. It is not safe for concurrent use.
type Follower struct {
	// Look returns what is at a path; all directories above it exist. The path is valid
	// until Look returns. Follow returns Look's errors.
	Look func(at []byte) (Node, error)
	// Sure refuses ".." after a symlink in the same target. The symlink may be replaced
	// later, and then ".." would lead elsewhere.
	Sure bool
	// Links is the number of symlinks that the caller asks to follow in all. Together they
	// may take maxSteps and stepsPerLink for each.
	Links int

	steps int      // taken so far
	at    []byte   // the path reached; empty for the root
	kind  Kind     // what is there
	todo  []string // paths to follow from there, the next one last
	open  []link   // symlinks that are being followed: their targets are not reached yet
}

// link is a symlink that is being followed.
type link struct {
	path   string
	target int // its index in todo
}

// Follow resolves name from the directory at, which has no symlinks on its way, and never
// leaves the directory top, at or above it. It returns the path without symlinks, and what
// is there; below a path that is no directory it returns that path, and Nothing. Paths are
// slash-separated and relative to the tree's root, which is ".". The error is an Error or
// Look's.
func (f *Follower) Follow(top, at, name string) (string, Kind, error) {
	f.at, f.kind, f.todo, f.open = f.at[:0], Directory, append(f.todo[:0], name), f.open[:0]
	if at != "." {
		f.at = append(f.at, at...)
	}
	depth := 1 // of todo, when a path was added last
	for followed := 0; len(f.todo) > 0; {
		afterLink := len(f.todo) < depth
		part := f.next()
		if f.steps++; f.steps > maxSteps+stepsPerLink*f.Links {
			return "", Nothing, ErrTangled
		}
		switch {
		case part == ".." && (f.kind != Directory || f.Sure && afterLink):
			return "", Nothing, ErrGoesUp
		case f.kind != Directory:
			f.kind = Nothing
			continue
		case part == "" || part == ".":
			continue
		case part == ".." && (len(f.at) == 0 || string(f.at) == top):
			return "", Nothing, ErrLeadsOut
		case part == "..":
			f.at = f.at[:max(0, bytes.LastIndexByte(f.at, '/'))]
			continue
		}
		target, err := f.enter(part)
		switch {
		case err != nil:
			return "", Nothing, err
		case f.kind != Symlink:
			continue
		case absolute(target):
			return "", Nothing, ErrLeadsOut
		case followed == MaxFollowed:
			return "", Nothing, ErrTooMany
		}
		if err := f.begin(part); err != nil {
			return "", Nothing, err
		}
		followed++
		f.kind = Directory // the one that the symlink is in
		f.todo = append(f.todo, filepath.ToSlash(target))
		depth = len(f.todo)
	}
	return cmp.Or(string(f.at), "."), f.kind, nil
}

// begin notes that the symlink called part in the directory at is followed from now on. It
// returns ErrLoop if that symlink was being followed already, and nothing behind it goes up.
func (f *Follower) begin(part string) error {
	here := part
	if len(f.at) > 0 {
		here = string(f.at) + "/" + part
	}
	again := slices.ContainsFunc(f.open, func(l link) bool { return l.path == here })
	f.open = append(f.open, link{here, len(f.todo)})
	if again && !slices.ContainsFunc(f.todo, goesUp) {
		return ErrLoop
	}
	return nil
}

// goesUp reports whether a path has a component "..".
func goesUp(name string) bool { return slices.Contains(strings.Split(name, "/"), "..") }

// next removes the next component from todo. A symlink whose whole target was removed before
// has been followed to its end, and is no longer in open.
func (f *Follower) next() string {
	last := len(f.todo) - 1
	for len(f.open) > 0 && f.open[len(f.open)-1].target > last {
		f.open = f.open[:len(f.open)-1]
	}
	part, rest, more := strings.Cut(f.todo[last], "/")
	if f.todo[last] = rest; !more {
		f.todo = f.todo[:last]
	}
	return part
}

// enter looks at what is called part in the directory at. It goes there, unless it is a
// symlink: then it stays and returns the target.
func (f *Follower) enter(part string) (target string, err error) {
	parent := len(f.at)
	if parent > 0 {
		f.at = append(f.at, '/')
	}
	f.at = append(f.at, part...)
	n, err := f.Look(f.at)
	if f.kind = n.Kind; f.kind == Symlink {
		f.at = f.at[:parent]
	}
	return n.Target, err
}

// absolute reports whether a symlink's target is independent of where the symlink is.
func absolute(target string) bool {
	return filepath.VolumeName(target) != "" || target != "" && os.IsPathSeparator(target[0])
}
