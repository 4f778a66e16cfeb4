//go:build unix

package workspace

import (
	"fmt"
	"math"
	"math/bits"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// freeBytes returns the free space for a process without privileges.
func freeBytes(dir string) (int64, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return 0, err
	}
	return spaceOf(st.Bavail, st.Bsize), nil
}

// spaceOf returns how many bytes blocks of a size have; the largest int64 if there are more,
// and 0 for a negative number of blocks. The types differ between systems.
func spaceOf[B, S int32 | uint32 | int64 | uint64](blocks B, size S) int64 {
	if blocks <= 0 || size <= 0 {
		return 0
	}
	high, low := bits.Mul64(uint64(blocks), uint64(size))
	if high > 0 || low > math.MaxInt64 {
		return math.MaxInt64
	}
	return int64(low)
}

func ownerOf(dir string) (*owner, error) {
	info, err := os.Stat(dir)
	if err != nil {
		return nil, err
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return nil, fmt.Errorf("the owner of %s is not known", dir)
	}
	return &owner{int(st.Uid), int(st.Gid)}, nil
}
