package workspace

import (
	"bufio"
	"io"
	"path"
	"path/filepath"
	"strconv"
	"strings"
)

// mountsBelow returns the directories below dir that are separate mounts, relative to dir,
// given the system's list of mounts: proc_pid_mountinfo(5).
func mountsBelow(dir string, mountinfo io.Reader) ([]string, error) {
	var found []string
	lines := bufio.NewScanner(mountinfo)
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) < 5 {
			continue
		}
		if rel, ok := below(dir, unescapeMount(fields[4])); ok && rel != "." {
			found = append(found, filepath.ToSlash(rel))
		}
	}
	return found, lines.Err()
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

// HasMounts reports whether there are mounts below the destination, so that CheckMount may
// refuse a path.
func (s *Stage) HasMounts() bool { return len(s.mounts) > 0 }

// CheckMount refuses a file, given by its path relative to the destination, that would lie
// on another mount than the stage: a *PlaceError. It is safe for concurrent use. It does
// not look at the destination: Publish finds the symlinks on the way.
func (s *Stage) CheckMount(name string) error {
	if len(s.missing) > 0 {
		return nil // all of it is new
	}
	for _, m := range s.mounts {
		if at := path.Join(s.base, name); at == m || within(at, m) {
			return mountError(relativeTo(s.base, m))
		}
	}
	return nil
}

// relativeTo returns the path of name, which lies below dir, relative to dir.
func relativeTo(dir, name string) string {
	if dir == "." {
		return name
	}
	return strings.TrimPrefix(name, dir+"/")
}

func mountError(shown string) *PlaceError {
	return &PlaceError{Path: shown, Mount: true, Reason: "is a separate mount, and files cannot be moved into it from the staging directory"}
}
