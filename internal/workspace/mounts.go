package workspace

import (
	"bufio"
	"io"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// mountPoint is a file or a directory that something is mounted on.
type mountPoint struct {
	at       string // relative to the destination's root, slash-separated
	readOnly bool
	file     bool
}

// mountsBelow returns what is mounted below dir, given the system's list of mounts:
// proc_pid_mountinfo(5). It leaves file false.
func mountsBelow(dir string, mountinfo io.Reader) ([]mountPoint, error) {
	var found []mountPoint
	lines := bufio.NewScanner(mountinfo)
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) < 6 {
			continue
		}
		if rel, ok := below(dir, unescapeMount(fields[4])); ok && rel != "." {
			readOnly := isReadOnly(fields[5]) || isReadOnly(fields[len(fields)-1])
			found = append(found, mountPoint{at: filepath.ToSlash(rel), readOnly: readOnly})
		}
	}
	return found, lines.Err()
}

// isReadOnly reports whether options of a mount, or of its file system, have ro.
func isReadOnly(options string) bool {
	return slices.Contains(strings.Split(options, ","), "ro")
}

// unescapeMount undoes the kernel's \ooo for blanks and backslashes.
func unescapeMount(s string) string {
	var b strings.Builder
	for len(s) > 0 {
		if s[0] == '\\' && len(s) >= 4 {
			if c, err := strconv.ParseUint(s[1:4], 8, 8); err == nil {
				b.WriteByte(byte(c))
				s = s[4:]
				continue
			}
		}
		b.WriteByte(s[0])
		s = s[1:]
	}
	return b.String()
}

// Why a mount is refused.
const (
	readOnlyMount = "is a separate mount that is read-only"
	mountedFile   = "is a file that is a mount of its own, and cannot be replaced by another"
)

// HasMounts reports whether CheckMount may refuse a path: a mount below the root is
// read-only, or is a file.
func (s *Stage) HasMounts() bool {
	return slices.ContainsFunc(s.mounts, func(m mountPoint) bool { return m.readOnly || m.file })
}

// CheckMount refuses a file, given by its path relative to the destination, that could not
// be put there because of a mount: a read-only one, or one that is a file. The error is a
// *PlaceError. It is safe for concurrent use. It does not look at the destination: Publish
// finds the symlinks on the way, and the files that stay as they are.
func (s *Stage) CheckMount(name string) error {
	if len(s.missing) > 0 {
		return nil // all of it is new
	}
	at := path.Join(s.base, name)
	switch m := s.mountOf(at); {
	case m.file:
		return &PlaceError{Path: name, Reason: mountedFile, Mount: true}
	case m.readOnly:
		return &PlaceError{Path: relativeTo(s.base, m.at), Reason: readOnlyMount, Mount: true}
	}
	return nil
}

// mountOf returns the mount below root that a path lies in; the zero value is none. Of
// mounts on one directory the last counts.
func (s *Stage) mountOf(at string) (of mountPoint) {
	for _, m := range s.mounts {
		if within(at, m.at) && len(m.at) >= len(of.at) {
			of = m
		}
	}
	return of
}

// isReadOnly reports whether a directory lies in a read-only mount.
func (s *Stage) isReadOnly(dir string) bool { return s.mountOf(dir).readOnly }

// isMountedFile reports whether something is mounted on a file.
func (s *Stage) isMountedFile(name string) bool { return s.mountOf(name).file }

// relativeTo returns the path of name, which lies below dir, relative to dir.
func relativeTo(dir, name string) string {
	if dir == "." {
		return name
	}
	return strings.TrimPrefix(name, dir+"/")
}
