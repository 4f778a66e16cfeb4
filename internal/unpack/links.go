package unpack

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/artifetch/artifetch/internal/symlink"
)

const (
	// maxTarget bounds the target of a symlink, in bytes.
	maxTarget = 4096
	// maxLinkMemory bounds, in bytes, what the symlinks of an archive take in
	// memory, where they are kept until the end: their names, their targets, and
	// linkMemoryEach more for each.
	maxLinkMemory  = 32 << 20
	linkMemoryEach = 100
)

// errLongName is the reason to refuse a symlink that leads to a name that no entry can have.
var errLongName = fmt.Errorf("leads to a name of more than %d bytes", maxName)

// Links returns the symlinks that Extract made: targets by names.
func (a *Archive) Links() map[string]string { return a.links }

// linkMemory is how much memory symlinks take, in bytes.
type linkMemory int64

// take adds a symlink whose name and target have so many bytes. It fails when
// that is too much.
func (m *linkMemory) take(name int, target int64) error {
	return m.add(int64(name)+target+linkMemoryEach, "symlinks")
}

// add adds bytes that the things named by the plural noun take. It fails when that is too
// much.
func (m *linkMemory) add(bytes int64, noun string) error {
	if *m += linkMemory(bytes); *m > maxLinkMemory {
		return &RefusedError{Reason: fmt.Sprintf("its %s take more than %d MiB of memory", noun, maxLinkMemory>>20)}
	}
	return nil
}

// give subtracts what take added.
func (m *linkMemory) give(name, target int) { *m -= linkMemory(name + target + linkMemoryEach) }

// makeLinks makes symlinks in the order of their names, so that those of one
// directory follow each other.
func makeLinks(ctx context.Context, dirs *dirTree, links map[string]string) error {
	for _, name := range slices.SortedFunc(maps.Keys(links), ComparePaths) {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err := dirs.symlink(ctx, name, links[name]); err != nil {
			return fmt.Errorf("make symlink: %w", err)
		}
	}
	return nil
}

// relativeTarget reports whether a symlink's target is a relative path on every system.
func relativeTarget(target string) bool {
	return target != "" && !strings.ContainsRune("/\\", rune(target[0])) && !strings.Contains(target, "\x00") && (len(target) == 1 || target[1] != ':')
}

// checkLinks refuses an archive with a symlink that leaves the destination. A symlink whose
// target has a backslash must stay inside whether or not backslashes separate directories.
func checkLinks(ctx context.Context, targets map[string]string) error {
	if err := followLinks(ctx, targets); err != nil {
		return err
	}
	windows := map[string]string{}
	for name, target := range targets {
		if strings.Contains(target, `\`) {
			windows[name] = strings.ReplaceAll(target, `\`, "/")
		}
	}
	if len(windows) == 0 {
		return nil
	}
	for name, target := range targets {
		if _, ok := windows[name]; !ok {
			windows[name] = target
		}
	}
	return followLinks(ctx, windows)
}

// followLinks follows every symlink through all others. One that leads back to itself leads
// nowhere.
func followLinks(ctx context.Context, targets map[string]string) error {
	f := symlink.Follower{Links: len(targets), Look: func(at []byte) (symlink.Node, error) {
		if len(at) > maxName {
			return symlink.Node{}, errLongName
		}
		if target, ok := targets[string(at)]; ok {
			return symlink.Node{Kind: symlink.Symlink, Target: target}, nil
		}
		// A path that the archive lacks may be a directory of the destination.
		return symlink.Node{Kind: symlink.Directory}, nil
	}}
	// In order, so that the same one is refused each time.
	for _, name := range slices.SortedFunc(maps.Keys(targets), ComparePaths) {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		_, _, err := f.Follow(".", ".", name)
		reason := "leaves the destination"
		switch {
		case !relativeTarget(targets[name]):
			reason = "is not a relative path"
		case err == nil, errors.Is(err, symlink.ErrLoop):
			continue
		case !errors.Is(err, symlink.ErrLeadsOut):
			reason = err.Error()
		}
		return &RefusedError{Entry: name, Reason: fmt.Sprintf("its target %q %s", targets[name], reason)}
	}
	return nil
}

// ComparePaths orders slash-separated paths like strings.Compare, but with the slash before
// all other bytes: what lies below a directory follows right after it.
func ComparePaths(x, y string) int {
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
