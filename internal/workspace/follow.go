package workspace

import (
	"errors"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// maxLinks bounds the symlinks that are followed on the way to one directory, as on Linux.
const maxLinks = 40

var (
	errLeadsOut = errors.New("it leads outside")
	errLoop     = errors.New("it goes through too many symlinks")
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
	links := 0
	for rest := split(name); len(rest) > 0; {
		part := rest[0]
		rest = rest[1:]
		switch {
		case part == "" || part == ".":
			continue
		case part == ".." && at == ".":
			return "", errLeadsOut
		case part == "..":
			at = path.Dir(at)
			continue
		}
		next := path.Join(at, part)
		info, err := root.Lstat(next)
		if err != nil {
			return "", err
		}
		if info.Mode()&os.ModeSymlink == 0 {
			at = next
			continue
		}
		if links++; links > maxLinks {
			return "", errLoop
		}
		target, err := root.Readlink(next)
		if err != nil {
			return "", err
		}
		if absolute(target) {
			return "", errLeadsOut
		}
		rest = append(split(filepath.ToSlash(target)), rest...)
	}
	return at, nil
}

// split cuts a slash-separated path into its components.
func split(p string) []string {
	if p == "." || p == "" {
		return nil
	}
	return strings.Split(p, "/")
}

// absolute reports whether a symlink's target is independent of where the symlink is.
func absolute(target string) bool {
	return filepath.VolumeName(target) != "" || target != "" && os.IsPathSeparator(target[0])
}

// within reports whether a path is dir or lies below it.
func within(p, dir string) bool { return dir == "." || p == dir || strings.HasPrefix(p, dir+"/") }
