package workspace

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// placeOf returns a directory's mount and attributes. They are unknown if the directory may
// not be read, or the kernel does not say.
func placeOf(h *handles, name string) (place, error) {
	f, err := h.openDirectory(name)
	if errors.Is(err, fs.ErrPermission) {
		return place{}, nil
	}
	if err != nil {
		return place{}, err
	}
	var at place
	var st unix.Statx_t
	if unix.Statx(int(f.Fd()), "", unix.AT_EMPTY_PATH, unix.STATX_MNT_ID, &st) == nil {
		at.known, at.device = true, unix.Mkdev(st.Dev_major, st.Dev_minor)
		if st.Mask&unix.STATX_MNT_ID != 0 {
			at.mount = st.Mnt_id
		}
		at.appendOnly = st.Attributes&unix.STATX_ATTR_APPEND != 0
		at.immutable = st.Attributes&unix.STATX_ATTR_IMMUTABLE != 0
	}
	return at, f.Close()
}

// mounts returns the mounts below a directory. They serve to refuse early, so failures
// count as none.
func mounts(dir string) []mountPoint {
	dir, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return nil
	}
	f, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return nil
	}
	defer func() { _ = f.Close() }() // nothing was written to it
	found, err := mountsBelow(dir, f)
	if err != nil {
		return nil
	}
	for i, m := range found {
		info, err := os.Lstat(filepath.Join(dir, m.at))
		found[i].file = err == nil && !info.IsDir()
	}
	return found
}
