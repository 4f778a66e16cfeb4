//go:build unix && !linux && !darwin

package workspace

import (
	"io/fs"
	"os"
	"syscall"
)

// fileIndex tells files of one file system apart.
func fileIndex(_ *os.Root, _ string, i fs.FileInfo) (uint64, error) {
	if st, ok := i.Sys().(*syscall.Stat_t); ok {
		return uint64(st.Ino), nil //nolint:unconvert // the types differ between systems
	}
	return 0, nil
}
