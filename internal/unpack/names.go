package unpack

import (
	"errors"
	"fmt"
	"strings"
)

// Bounds of a name: those of Linux for what one call takes, and a depth that
// can be walked and removed with a descriptor for each level.
const (
	maxName      = 4096
	maxComponent = 255
	maxDepth     = 256
)

// CheckName tells whether a name from elsewhere, such as an artifact's, can
// name one file or directory. It applies the rules for entries to a single
// component.
func CheckName(name string) error {
	if strings.Contains(name, "/") {
		return fmt.Errorf("%q holds a slash", name)
	}
	clean, err := cleanName(name)
	if err != nil {
		return fmt.Errorf("%q %w", name, err)
	}
	if clean != name {
		return fmt.Errorf("%q is not a name", name)
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
	parts := strings.Split(name, "/")
	kept := parts[:0]
	for _, p := range parts {
		switch p {
		case "..":
			return "", errors.New(`holds the component ".."`)
		case "", ".":
		default:
			if len(p) > maxComponent {
				return "", fmt.Errorf("holds a component of %d bytes, more than %d", len(p), maxComponent)
			}
			kept = append(kept, p)
		}
	}
	switch {
	case len(kept) == 0:
		return "", errors.New("names nothing")
	case len(kept) > maxDepth:
		return "", fmt.Errorf("has %d components, more than %d", len(kept), maxDepth)
	}
	if len(kept) == len(parts) {
		return name, nil
	}
	return strings.Join(kept, "/"), nil
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }
