package unpack

import (
	"cmp"
	"encoding/binary"
	"hash/maphash"
	"io"
	"io/fs"
	"math"
	"path"
	"slices"
	"strings"
)

// maxSize is what an entry may declare, in bytes: no disk has that much, and
// a few of them do not overflow.
const maxSize = 1 << 50

// Archive is an archive whose directory passed every check that can be made
// without the entries' data.
type Archive struct {
	// Entries are those chosen, sorted so that a directory comes right before
	// what lies below it.
	Entries []Entry
	// Size is their extracted size in bytes.
	Size int64

	r        io.ReaderAt
	partial  bool // some were not chosen
	declared uint64
	links    map[string]string // once it was extracted
}

// Options say what to take from an archive.
type Options struct {
	// Budget is what the entries are taken from: all of them count as files,
	// the bytes of those chosen count as bytes. nil is no limit.
	Budget *Budget
	// Files chooses by name, with a slash at the end of a directory's; nil
	// chooses all. Names that would be refused are refused nonetheless.
	Files func(name string) bool
}

// wanter is a reader that can be told what is going to be read next.
type wanter interface {
	Want(off, n int64)
}

func want(r io.ReaderAt, off, n int64) {
	if w, ok := r.(wanter); ok {
		w.Want(off, n)
	}
}

// Open reads and checks the directory of an archive of the given size in
// bytes. r may be a download that is under way; if it has a method
// Want(off, n int64), that is told what will be read. Refusals are
// *RefusedError, an exceeded budget is *LimitError; other errors are the
// reader's. Nothing is written.
func Open(r io.ReaderAt, size int64, o Options) (*Archive, error) {
	if o.Budget == nil {
		o.Budget = NewBudget(0, 0)
	}
	e, err := readEnd(r, size)
	if err != nil {
		return nil, err
	}
	want(r, e.offset, e.size)
	a := &Archive{r: r}
	all, err := a.readDirectory(r, e, o)
	if err != nil {
		return nil, err
	}
	if err := checkOverlaps(all, e.offset); err != nil {
		return nil, err
	}
	// A directory entry for the root itself is common and harmless.
	a.Entries = slices.DeleteFunc(all, func(e Entry) bool { return e.Name == "" })
	if err := a.checkTree(); err != nil {
		return nil, err
	}
	a.choose(o.Files)
	if err := a.checkDirs(); err != nil {
		return nil, err
	}
	if err := a.checkTargets(); err != nil {
		return nil, err
	}
	return a, o.Budget.Take(0, a.Size)
}

// choose keeps the entries that are wanted.
func (a *Archive) choose(wanted func(string) bool) {
	if wanted != nil {
		before := len(a.Entries)
		a.Entries = slices.DeleteFunc(a.Entries, func(e Entry) bool {
			if e.Mode.IsDir() {
				return !wanted(e.Name + "/")
			}
			return !wanted(e.Name)
		})
		a.partial = len(a.Entries) < before
	}
	for i := range a.Entries {
		a.Size = add(a.Size, a.Entries[i].Size)
	}
}

// check applies the rules for a single entry and sets its Name. An entry
// for the root itself is not kept: its Name stays empty.
func (e *Entry) check() error {
	if e.flags&flagsRefused != 0 {
		return e.refuse("it is encrypted or patched")
	}
	if e.Method != methodStored && e.Method != methodDeflated && e.Method != methodZstd {
		return e.refuse("its compression method %d is not supported", e.Method)
	}
	if e.Method == methodStored && e.Size != e.CompressedSize {
		return e.refuse("it is stored, but its sizes differ")
	}
	if e.Size > maxSize {
		return e.refuse("it declares %d bytes, which no disk holds", e.Size)
	}
	if e.Mode&fs.ModeIrregular != 0 {
		return e.refuse("it is a device or another special file")
	}
	if e.Mode.IsDir() && e.Size != 0 {
		return e.refuse("it is a directory with content")
	}
	if e.Mode.IsDir() && isRoot(e.raw) {
		return nil
	}
	if e.Mode&fs.ModeSymlink != 0 && e.Size > maxTarget {
		return e.refuse("it is a symlink with a target of %d bytes", e.Size)
	}
	name, err := cleanName(e.raw)
	if err != nil {
		return e.refuse("its name %v", err)
	}
	if !e.Mode.IsDir() && strings.HasSuffix(e.raw, "/") {
		return e.refuse("it ends like a directory and is none")
	}
	e.Name = name
	return nil
}

// isRoot tells names such as "./", which mean the destination itself.
func isRoot(name string) bool {
	return name != "" && name[0] != '/' && strings.Trim(name, "./") == "" && path.Clean(name) == "." && !strings.Contains(name, "..")
}

// checkOverlaps sees that nothing overlaps as far as the directory tells:
// neither with another entry nor with the directory at limit. It leaves in
// each entry how far it may reach.
func checkOverlaps(all []Entry, limit int64) error {
	order := byOffset(all)
	for n, i := range order {
		e := &all[i]
		if limit-e.start < localSize {
			return e.refuse("its local header lies outside the archive")
		}
		e.limit = limit
		if n+1 < len(order) {
			e.limit = all[order[n+1]].start
		}
		if room := e.limit - e.start - localSize - int64(len(e.raw)); room < e.CompressedSize {
			if e.limit == limit {
				return e.refuse("its data reaches into the directory")
			}
			return all[order[n+1]].refuse("it overlaps another entry")
		}
	}
	return nil
}

// byOffset lists entries in the order in which they lie in the archive.
func byOffset(entries []Entry) []int32 {
	order := make([]int32, len(entries))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortFunc(order, func(x, y int32) int { return cmp.Compare(entries[x].start, entries[y].start) })
	return order
}

// checkLocal holds the fixed part of a local header against the directory,
// and returns how long the header is, name and extra field included.
func (e *Entry) checkLocal(head []byte) (int64, error) {
	le := binary.LittleEndian
	signature, flags, method := le.Uint32(head), le.Uint16(head[6:]), le.Uint16(head[8:])
	compressed, size := le.Uint32(head[18:]), le.Uint32(head[22:])
	nameLen, extraLen := int64(le.Uint16(head[26:])), int64(le.Uint16(head[28:]))
	switch {
	case signature != 0x04034b50:
		return 0, e.refuse("there is no local header where the directory says")
	case nameLen != int64(len(e.raw)):
		return 0, e.refuse("its local header names it otherwise")
	case method != e.Method || flags&flagsRefused != 0:
		return 0, e.refuse("its local header gives another method or encryption")
	case flags&flagDescriptor == 0 && (differs(compressed, e.CompressedSize) || differs(size, e.Size)):
		return 0, e.refuse("its local header gives other sizes")
	}
	n := localSize + nameLen + extraLen
	if e.CompressedSize > e.limit-e.start-n {
		return 0, e.refuse("its data reaches beyond its place")
	}
	return n, nil
}

// checkLocalName does so with the name that follows.
func (e *Entry) checkLocalName(name []byte) error {
	if string(name) != e.raw {
		return e.refuse("its local header names it %q", name)
	}
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

// CaseCollisions lists pairs of names that are one on a file system that
// ignores case.
func (a *Archive) CaseCollisions() [][2]string {
	var pairs [][2]string
	seed := maphash.MakeSeed() // by hash, as names take much more memory
	seen := make(map[uint64]int32, len(a.Entries))
	for i := range a.Entries {
		name := a.Entries[i].Name
		folded := strings.ToLower(name)
		sum := maphash.String(seed, folded)
		other, ok := seen[sum]
		switch {
		case !ok:
			seen[sum] = int32(i)
		case strings.ToLower(a.Entries[other].Name) == folded:
			pairs = append(pairs, [2]string{a.Entries[other].Name, name})
		}
	}
	return pairs
}
