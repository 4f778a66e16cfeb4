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

// check applies the rules for a single entry, whose Name is the one stored,
// and cleans that. An entry for the root itself is not kept: its Name is
// empty.
func (e *Entry) check(flags uint16) error {
	raw := e.Name
	switch {
	case flags&flagsRefused != 0:
		return e.refuse("it is encrypted or patched")
	case e.method != methodStored && e.method != methodDeflated && e.method != methodZstd:
		return e.refuse("its compression method %d is not supported", e.method)
	case e.method == methodStored && e.Size != e.compressed:
		return e.refuse("it is stored, but its sizes differ")
	case e.Size > maxSize:
		return e.refuse("it declares %d bytes, which no disk holds", e.Size)
	case e.Mode&fs.ModeIrregular != 0:
		return e.refuse("it is a device or another special file")
	case e.Mode.IsDir() && e.Size != 0:
		return e.refuse("it is a directory with content")
	case e.Mode.IsDir() && isRoot(raw):
		e.Name, e.odd = "", pointer(raw)
		return nil
	case e.Mode&fs.ModeSymlink != 0 && e.Size > maxTarget:
		return e.refuse("it is a symlink with a target of %d bytes", e.Size)
	}
	name, err := cleanName(raw)
	if err != nil {
		return e.refuse("its name %v", err)
	}
	if !e.Mode.IsDir() && strings.HasSuffix(raw, "/") {
		return e.refuse("it ends like a directory and is none")
	}
	e.Name = name
	if e.slash = len(raw) == len(name)+1 && strings.HasPrefix(raw, name); !e.slash && raw != name {
		e.odd = pointer(raw)
	}
	return nil
}

// pointer keeps a string that few need: the address of a variable would take
// memory for all.
func pointer(s string) *string { return &s }

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
		end, last := limit, n+1 == len(order)
		if !last {
			end = all[order[n+1]].start
		}
		gap := end - e.start - e.least()
		switch {
		case gap < 0 && (last || end == limit):
			return e.refuse("its data reaches into the directory")
		case gap < 0:
			return all[order[n+1]].refuse("it overlaps another entry")
		}
		e.gap = uint32(min(gap, math.MaxUint32))
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
	case nameLen != int64(e.storedLen()):
		return 0, e.refuse("its local header names it otherwise")
	case method != e.method || flags&flagsRefused != 0:
		return 0, e.refuse("its local header gives another method or encryption")
	case flags&flagDescriptor == 0 && (differs(compressed, e.compressed) || differs(size, e.Size)):
		return 0, e.refuse("its local header gives other sizes")
	}
	n := localSize + nameLen + extraLen
	if e.compressed > e.limit()-e.start-n {
		return 0, e.refuse("its data reaches beyond its place")
	}
	return n, nil
}

// checkLocalName does so with the name that follows.
func (e *Entry) checkLocalName(name []byte) error {
	if string(name) != e.stored() {
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
	slices.SortFunc(a.Entries, func(x, y Entry) int {
		if c := comparePaths(x.Name, y.Name); c != 0 {
			return c
		}
		return cmp.Compare(x.start, y.start)
	})
	kept := a.Entries[:0]
	for _, e := range a.Entries {
		if len(kept) == 0 {
			kept = append(kept, e)
			continue
		}
		prev := &kept[len(kept)-1]
		switch {
		case prev.Name != e.Name:
			if !prev.Mode.IsDir() && len(e.Name) > len(prev.Name) && e.Name[len(prev.Name)] == '/' && strings.HasPrefix(e.Name, prev.Name) {
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
// ignores case, so many at most, and tells how many more there are.
func (a *Archive) CaseCollisions(most int) (pairs [][2]string, more int) {
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
		case strings.ToLower(a.Entries[other].Name) != folded:
		case len(pairs) == most:
			more++
		default:
			pairs = append(pairs, [2]string{a.Entries[other].Name, name})
		}
	}
	return pairs, more
}
