package workspace

import (
	"errors"
	"io/fs"
	"math"
	"os"

	"golang.org/x/sys/windows"
)

// freeBytes returns the free space for this user.
func freeBytes(dir string) (int64, error) {
	p, err := windows.UTF16PtrFromString(dir)
	if err != nil {
		return 0, err
	}
	var free uint64
	if err := windows.GetDiskFreeSpaceEx(p, &free, nil, nil); err != nil {
		return 0, err
	}
	return int64(min(free, math.MaxInt64)), nil
}

func ownerOf(string) (*owner, error) { return nil, errors.ErrUnsupported }

// fileIndex tells files of one volume apart; symlinks all have 0.
func fileIndex(root *os.Root, name string, i fs.FileInfo) (uint64, error) {
	if !i.Mode().IsRegular() && !i.IsDir() {
		return 0, nil
	}
	f, err := root.Open(name)
	if err != nil {
		return 0, err
	}
	var all windows.ByHandleFileInformation
	err = windows.GetFileInformationByHandle(windows.Handle(f.Fd()), &all)
	return uint64(all.FileIndexHigh)<<32 | uint64(all.FileIndexLow), errors.Join(err, f.Close())
}
