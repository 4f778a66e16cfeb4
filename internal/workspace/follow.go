package workspace

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/artifetch/artifetch/internal/symlink"
)

// lister looks at what is below a root: an *os.Root, or a handleLister.
type lister interface {
	Lstat(name string) (os.FileInfo, error)
	Readlink(name string) (string, error)
}

// follow resolves name from the directory at, and returns a path below the root without
// symlinks; at itself has none. An *os.Root would follow symlinks, too, but two paths that
// lead to the same place must be recognised by their names before anything is moved there.
func follow(root lister, at, name string) (string, error) {
	f := symlink.Follower{Look: func(at []byte) (symlink.Node, error) { return nodeAt(root, string(at)) }}
	led, kind, err := f.Follow(".", at, name)
	if why, ok := errors.AsType[symlink.Error](err); ok {
		return "", fmt.Errorf("it %w", why)
	}
	if err == nil && kind == symlink.Nothing {
		err = &fs.PathError{Op: "follow", Path: name, Err: errNotDir}
	}
	return led, err
}

// nodeAt returns what is at a path. It is an error if nothing is.
func nodeAt(root lister, name string) (symlink.Node, error) {
	info, err := root.Lstat(name)
	switch {
	case err != nil:
		return symlink.Node{}, err
	case info.IsDir():
		return symlink.Node{Kind: symlink.Directory}, nil
	case info.Mode()&fs.ModeSymlink == 0:
		return symlink.Node{Kind: symlink.OtherFile}, nil
	}
	target, err := root.Readlink(name)
	return symlink.Node{Kind: symlink.Symlink, Target: target}, err
}

// split cuts a slash-separated path into its components.
func split(p string) []string {
	if p == "." || p == "" {
		return nil
	}
	return strings.Split(p, "/")
}

// in returns the path of a name in a directory. For clean paths it does what path.Join does,
// in less time: it is called several times for each file.
func in(dir, name string) string {
	if dir == "." || dir == "" {
		return name
	}
	return dir + "/" + name
}

// within reports whether a path is dir or lies below it.
func within(p, dir string) bool { return dir == "." || p == dir || strings.HasPrefix(p, dir+"/") }
