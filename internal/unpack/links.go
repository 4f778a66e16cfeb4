package unpack

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
)

const (
	// maxTarget bounds the target of a symlink, in bytes.
	maxTarget = 4096
	// maxLinkMemory bounds, in bytes, what the symlinks of an archive take in
	// memory, where they are kept until the end: their names, their targets, and
	// linkMemoryEach more for each.
	maxLinkMemory  = 32 << 20
	linkMemoryEach = 100
	// maxFollow is how many symlinks are followed for one path, as on Linux.
	maxFollow = 40
	// Following a symlink takes a step for each component of a path. Ordinary
	// ones take a dozen; an archive whose symlinks take many more than this was
	// made to waste time.
	maxSteps     = 1 << 20
	stepsPerLink = 64
)

// Links returns the symlinks that Extract made: targets by names.
func (a *Archive) Links() map[string]string { return a.links }

// linkMemory is how much memory symlinks take, in bytes.
type linkMemory int64

// take adds a symlink whose name and target have so many bytes. It fails when
// that is too much.
func (m *linkMemory) take(name int, target int64) error {
	if *m += linkMemory(int64(name) + target + linkMemoryEach); *m > maxLinkMemory {
		return &RefusedError{Reason: fmt.Sprintf("its symlinks take more than %d MiB of memory", maxLinkMemory>>20)}
	}
	return nil
}

// give subtracts what take added.
func (m *linkMemory) give(name, target int) { *m -= linkMemory(name + target + linkMemoryEach) }

// makeLinks makes symlinks in the order of their names, so that those of one
// directory follow each other.
func makeLinks(ctx context.Context, dirs *dirTree, links map[string]string) error {
	for _, name := range slices.SortedFunc(maps.Keys(links), comparePaths) {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err := dirs.symlink(ctx, name, links[name]); err != nil {
			return fmt.Errorf("make symlink: %w", err)
		}
	}
	return nil
}

func relativeTarget(target string) bool {
	return target != "" && target[0] != '/' && !strings.ContainsAny(target, "\x00\\") && (len(target) == 1 || target[1] != ':')
}

// checkLinks follows every symlink through all others, and refuses an archive of
// which one leaves the destination.
func checkLinks(ctx context.Context, targets map[string]string) error {
	f := follower{targets: targets, steps: maxSteps + stepsPerLink*len(targets)}
	// In order, so that the same one is refused each time.
	for _, name := range slices.SortedFunc(maps.Keys(targets), comparePaths) {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if reason := f.follow(name); reason != "" {
			return &RefusedError{Entry: name, Reason: fmt.Sprintf("its target %q %s", targets[name], reason)}
		}
	}
	return nil
}

// follower follows symlinks as the kernel would.
type follower struct {
	targets map[string]string
	steps   int // left, for all together

	at   []byte   // the directory reached
	todo []string // paths to follow from there, the next one last
}

// follow returns why a symlink is refused, or nothing. Loops are refused: nothing
// good needs one.
func (f *follower) follow(link string) string {
	if !relativeTarget(f.targets[link]) {
		return "is not a relative path"
	}
	f.at, f.todo = f.at[:0], append(f.todo[:0], link)
	for followed := 0; len(f.todo) > 0; {
		part := f.next()
		if f.steps--; f.steps < 0 {
			return "is too tangled to be followed"
		}
		switch part {
		case "", ".":
			continue
		case "..":
			if len(f.at) == 0 {
				return "leaves the destination"
			}
			f.at = f.at[:max(0, bytes.LastIndexByte(f.at, '/'))]
			continue
		}
		parent := len(f.at)
		if parent > 0 {
			f.at = append(f.at, '/')
		}
		if f.at = append(f.at, part...); len(f.at) > maxName {
			return fmt.Sprintf("leads to a name of more than %d bytes", maxName)
		}
		if target, ok := f.targets[string(f.at)]; ok {
			if followed++; followed > maxFollow {
				return "leaves the destination, or never ends"
			}
			f.at = f.at[:parent]
			f.todo = append(f.todo, target)
		}
	}
	return ""
}

// next removes the next component from todo.
func (f *follower) next() string {
	last := len(f.todo) - 1
	part, rest, more := strings.Cut(f.todo[last], "/")
	if more {
		f.todo[last] = rest
	} else {
		f.todo = f.todo[:last]
	}
	return part
}

// comparePaths is strings.Compare with the slash before all other bytes, so
// that whatever lies below a name follows right after it.
func comparePaths(x, y string) int {
	for i := range min(len(x), len(y)) {
		if x[i] == y[i] {
			continue
		}
		if x[i] == '/' {
			return -1
		}
		if y[i] == '/' {
			return 1
		}
		return cmp.Compare(x[i], y[i])
	}
	return cmp.Compare(len(x), len(y))
}
