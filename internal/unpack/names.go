package unpack

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
)

// Bounds of a name: the lengths that Linux takes in one call, and a depth at which the time
// to undo a tree, which grows with the square of its depth, does not matter.
const (
	maxName      = 4096
	maxComponent = 255
	maxDepth     = 256
)

// CheckName returns an error unless name, such as that of an artifact, can be the
// name of one file or directory, by the rules for a component of an entry's name.
func CheckName(name string) error {
	if strings.Contains(name, "/") {
		return fmt.Errorf("%q holds a slash", name)
	}
	clean, err := cleanName(name)
	if err != nil {
		return fmt.Errorf("%q %w", name, err)
	}
	if clean != name {
		return fmt.Errorf("%q cannot be the name of a file", name)
	}
	return nil
}

// cleanName applies the rules for names and drops empty components and ".".
// Its errors continue a sentence that begins with the name.
func cleanName(name string) (string, error) {
	switch {
	case len(name) > maxName:
		return "", fmt.Errorf("has %d bytes, more than %d", len(name), maxName)
	case strings.HasPrefix(name, "/"):
		return "", errors.New("is an absolute path")
	case strings.Contains(name, `\`):
		return "", errors.New("holds a backslash")
	case strings.Contains(name, "\x00"):
		return "", errors.New("holds a NUL byte")
	case len(name) >= 2 && name[1] == ':' && isLetter(name[0]):
		return "", errors.New("begins with a drive letter")
	}
	depth, length := 0, 0
	for part := range strings.SplitSeq(name, "/") {
		switch {
		case part == "..":
			return "", errors.New(`holds the component ".."`)
		case dropped(part):
		case len(part) > maxComponent:
			return "", fmt.Errorf("holds a component of %d bytes, more than %d", len(part), maxComponent)
		default:
			depth++
			length += 1 + len(part)
		}
	}
	switch length--; {
	case depth == 0:
		return "", errors.New("does not name a file")
	case depth > maxDepth:
		return "", fmt.Errorf("has %d components, more than %d", depth, maxDepth)
	case length == len(name), length == len(name)-1 && name[length] == '/':
		return name[:length], nil
	}
	return strings.Join(slices.DeleteFunc(strings.Split(name, "/"), dropped), "/"), nil
}

func dropped(component string) bool { return component == "" || component == "." }

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

// isRoot reports whether a name such as "./" means the destination itself.
func isRoot(name string) bool {
	return name != "" && name[0] != '/' && strings.Trim(name, "./") == "" && path.Clean(name) == "." && !strings.Contains(name, "..")
}
