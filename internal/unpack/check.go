package unpack

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"io"
	"io/fs"
	"math"
	"path"
	"slices"
	"strings"
)

const (
	maxTarget = 4096
	// maxFollow is how many symlinks are followed for one path, as on Linux.
	maxFollow = 40
)

// Archive is an archive that passed every check that can be made before its
// files are inflated.
type Archive struct {
	// Entries are sorted so that a directory comes right before what lies
	// below it.
	Entries []Entry
	// Size is the extracted size of all entries in bytes.
	Size int64

	r        io.ReaderAt
	all      []Entry
	declared uint64
}

// Read checks the archive of the given size in bytes and takes its entries
// from the budget. Refusals are *RefusedError, an exceeded budget is
// *LimitError; other errors are the reader's. Nothing is written.
func Read(r io.ReaderAt, size int64, b *Budget) (*Archive, error) {
	e, err := readEnd(r, size)
	if err != nil {
		return nil, err
	}
	a := &Archive{r: r}
	if err := a.readDirectory(r, e, b); err != nil {
		return nil, err
	}
	if err := a.checkLocals(e.offset); err != nil {
		return nil, err
	}
	for i := range a.all {
		// A directory entry for the root itself is common and harmless.
		if a.all[i].Name != "" {
			a.Entries = append(a.Entries, a.all[i])
		}
	}
	a.all = nil
	if err := a.checkTree(); err != nil {
		return nil, err
	}
	return a, a.checkSymlinks()
}

// check applies the rules for a single entry and sets its Name. An entry
// for the root itself is not kept: its Name stays empty.
func (e *Entry) check() (keep bool, err error) {
	if e.flags&flagsRefused != 0 {
		return false, e.refuse("it is encrypted or patched")
	}
	if e.Method != methodStored && e.Method != methodDeflated && e.Method != methodZstd {
		return false, e.refuse("its compression method %d is not supported", e.Method)
	}
	if e.Method == methodStored && e.Size != e.CompressedSize {
		return false, e.refuse("it is stored, but its sizes differ")
	}
	if e.Mode&fs.ModeIrregular != 0 {
		return false, e.refuse("it is a device or another special file")
	}
	if e.Mode.IsDir() && e.Size != 0 {
		return false, e.refuse("it is a directory with content")
	}
	if e.Mode.IsDir() && isRoot(e.raw) {
		return false, nil
	}
	if e.Mode&fs.ModeSymlink != 0 && e.Size > maxTarget {
		return false, e.refuse("it is a symlink with a target of %d bytes", e.Size)
	}
	name, err := cleanName(e.raw)
	if err != nil {
		return false, e.refuse("its name %v", err)
	}
	if !e.Mode.IsDir() && strings.HasSuffix(e.raw, "/") {
		return false, e.refuse("it ends like a directory and is none")
	}
	e.Name = name
	return true, nil
}

// isRoot tells names such as "./", which mean the destination itself.
func isRoot(name string) bool {
	return name != "" && name[0] != '/' && strings.Trim(name, "./") == "" && path.Clean(name) == "." && !strings.Contains(name, "..")
}

// checkLocals holds every local header against the directory, and sees that
// nothing overlaps: neither with another entry nor with the directory at
// limit. It leaves the data's offset in each entry.
func (a *Archive) checkLocals(limit int64) error {
	order := make([]int32, len(a.all))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortFunc(order, func(x, y int32) int { return cmp.Compare(a.all[x].offset, a.all[y].offset) })
	window := &windowReader{r: a.r, limit: limit}
	used := int64(0)
	for _, i := range order {
		e := &a.all[i]
		if e.offset < used {
			return e.refuse("it overlaps another entry")
		}
		if err := e.readLocal(window, limit); err != nil {
			return err
		}
		used = e.offset + e.CompressedSize
	}
	return nil
}

// readLocal reads the local header at e.offset and moves on to the data.
func (e *Entry) readLocal(w *windowReader, limit int64) error {
	if limit-e.offset < localSize {
		return e.refuse("its local header lies outside the archive")
	}
	head, err := w.bytes(e.offset, localSize)
	if err != nil {
		return err
	}
	le := binary.LittleEndian
	signature, flags, method := le.Uint32(head), le.Uint16(head[6:]), le.Uint16(head[8:])
	compressed, size := le.Uint32(head[18:]), le.Uint32(head[22:])
	nameLen, extraLen := int64(le.Uint16(head[26:])), int64(le.Uint16(head[28:]))
	data := e.offset + localSize + nameLen + extraLen
	if signature != 0x04034b50 {
		return e.refuse("there is no local header where the directory says")
	}
	if data > limit || e.CompressedSize > limit-data {
		return e.refuse("its data reaches into the directory")
	}
	name, err := w.bytes(e.offset+localSize, int(nameLen))
	if err != nil {
		return err
	}
	if string(name) != e.raw {
		return e.refuse("its local header names it %q", name)
	}
	if method != e.Method || flags&flagsRefused != 0 {
		return e.refuse("its local header gives another method or encryption")
	}
	if flags&flagDescriptor == 0 && (differs(compressed, e.CompressedSize) || differs(size, e.Size)) {
		return e.refuse("its local header gives other sizes")
	}
	e.offset = data
	return nil
}

// differs compares a size of a local header, where the largest value means
// that the size is in a zip64 field.
func differs(local uint32, size int64) bool {
	return local != math.MaxUint32 && int64(local) != size
}

// checkTree sorts the entries and refuses names that cannot live in one
// tree. With the slash sorted before all other bytes, whatever lies below a
// name follows right after it, so neighbours are all there is to compare.
func (a *Archive) checkTree() error {
	slices.SortStableFunc(a.Entries, func(x, y Entry) int { return comparePaths(x.Name, y.Name) })
	kept := a.Entries[:0]
	for _, e := range a.Entries {
		if len(kept) == 0 {
			kept = append(kept, e)
			continue
		}
		prev := &kept[len(kept)-1]
		switch {
		case prev.Name != e.Name:
			if !prev.Mode.IsDir() && strings.HasPrefix(e.Name, prev.Name+"/") {
				return e.refuse("it would be written through %q, which is no directory", prev.Name)
			}
			kept = append(kept, e)
		case prev.Mode.IsDir() && e.Mode.IsDir():
		case prev.Mode.IsDir() || e.Mode.IsDir():
			return e.refuse("it is there as a file and as a directory")
		default:
			return e.refuse("it is there twice")
		}
	}
	a.Entries = kept
	return nil
}

// comparePaths is strings.Compare with the slash before all other bytes.
func comparePaths(x, y string) int {
	for i := range min(len(x), len(y)) {
		if x[i] == y[i] {
			continue
		}
		if x[i] == '/' {
			return -1
		}
		if y[i] == '/' {
			return 1
		}
		return cmp.Compare(x[i], y[i])
	}
	return cmp.Compare(len(x), len(y))
}

// checkSymlinks reads every symlink's target and follows it.
func (a *Archive) checkSymlinks() error {
	targets := map[string]string{}
	for i := range a.Entries {
		e := &a.Entries[i]
		if e.Mode&fs.ModeSymlink == 0 {
			continue
		}
		var target bytes.Buffer
		if err := newExtractor(a.r).copy(&target, e); err != nil {
			return err
		}
		e.target = target.String()
		if e.target == "" || strings.HasPrefix(e.target, "/") || strings.ContainsAny(e.target, "\x00\\") || len(e.target) > 1 && e.target[1] == ':' {
			return e.refuse("its target %q is not a relative path", e.target)
		}
		targets[e.Name] = e.target
	}
	for i := range a.Entries {
		e := &a.Entries[i]
		if e.Mode&fs.ModeSymlink != 0 && !staysInside(targets, e.Name) {
			return e.refuse("its target %q leaves the destination", e.target)
		}
	}
	return nil
}

// staysInside follows a symlink component by component, through all other
// symlinks, as the kernel would. Loops do not stay inside: nothing good
// needs one.
func staysInside(targets map[string]string, link string) bool {
	todo := strings.Split(link, "/")
	var at []string
	for follow := 0; len(todo) > 0; {
		part := todo[0]
		todo = todo[1:]
		switch part {
		case "", ".":
			continue
		case "..":
			if len(at) == 0 {
				return false
			}
			at = at[:len(at)-1]
			continue
		}
		at = append(at, part)
		if target, ok := targets[strings.Join(at, "/")]; ok {
			if follow++; follow > maxFollow {
				return false
			}
			at = at[:len(at)-1]
			todo = append(strings.Split(target, "/"), todo...)
		}
	}
	return true
}

// CaseCollisions lists pairs of names that are one on a file system that
// ignores case.
func (a *Archive) CaseCollisions() [][2]string {
	var pairs [][2]string
	seen := make(map[string]string, len(a.Entries))
	for _, e := range a.Entries {
		folded := strings.ToLower(e.Name)
		if other, ok := seen[folded]; ok {
			pairs = append(pairs, [2]string{other, e.Name})
			continue
		}
		seen[folded] = e.Name
	}
	return pairs
}

// windowReader reads small pieces at rising offsets with few reads.
type windowReader struct {
	r     io.ReaderAt
	limit int64
	buf   []byte
	start int64
}

// bytes returns n bytes at off. They are good until the next call.
func (w *windowReader) bytes(off int64, n int) ([]byte, error) {
	const block = 16 << 10
	if off < w.start || off+int64(n) > w.start+int64(len(w.buf)) {
		size := min(max(int64(n), block), w.limit-off)
		if int64(n) > size {
			return nil, malformed("it ends too early")
		}
		if int64(cap(w.buf)) < size {
			w.buf = make([]byte, size)
		}
		w.buf, w.start = w.buf[:size], off
		if err := readFull(w.r, w.buf, off); err != nil {
			w.buf = w.buf[:0]
			return nil, err
		}
	}
	return w.buf[off-w.start:][:n], nil
}
