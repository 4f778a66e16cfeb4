package unpack

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"strings"
)

const (
	endSize       = 22 // 4.3.16, without comment
	end64Size     = 56 // 4.3.14, without extensible data
	locator64Size = 20 // 4.3.15
	headerSize    = 46 // 4.3.12, without name, extra field and comment
	localSize     = 30 // 4.3.7, without name and extra field
	extraZip64    = 1  // 4.5.3
	maxComment    = math.MaxUint16
	maxReserved   = 1 << 18                       // entries
	maxHeader     = headerSize + 2*math.MaxUint16 // of what is looked at
	namesBlock    = 64 << 10
	// All names together may take so much, and so much more for each entry:
	// they are what an archive takes of memory.
	maxNames       = 16 << 20
	maxNamesEach   = 128
	flagDescriptor = 1 << 3
	flagsRefused   = 1<<0 | 1<<5 | 1<<6 | 1<<13
	methodStored   = 0
	methodDeflated = 8
	methodZstd     = 93
	creatorUnix    = 3
	creatorMacOS   = 19
)

// Entry is a file, directory or symlink of an archive. There may be a million
// of them.
type Entry struct {
	// Name is clean and slash-separated.
	Name string
	// Size is extracted, in bytes.
	Size int64

	// odd is the name as stored, where that is neither Name nor, with slash,
	// Name and a slash.
	odd *string
	// start is where the local header begins.
	start      int64
	compressed int64
	// Mode has the type and the execute bits; no set-id bits.
	Mode fs.FileMode
	crc  uint32
	// gap is how much more room there is for the local header, the data and
	// what follows than all of them need at least.
	gap    uint32
	method uint16
	slash  bool
}

// stored is the name as stored, to hold the local header against.
func (e *Entry) stored() string {
	switch {
	case e.odd != nil:
		return *e.odd
	case e.slash:
		return e.Name + "/"
	}
	return e.Name
}

func (e *Entry) storedLen() int {
	switch {
	case e.odd != nil:
		return len(*e.odd)
	case e.slash:
		return len(e.Name) + 1
	}
	return len(e.Name)
}

// least is how many bytes the entry needs at least, from start on.
func (e *Entry) least() int64 { return localSize + int64(e.storedLen()) + e.compressed }

// limit is what the entry must not reach beyond.
func (e *Entry) limit() int64 { return e.start + e.least() + int64(e.gap) }

// names keeps strings side by side: a piece of memory for each would take a
// third more.
type names struct {
	strings.Builder
	total int64
}

func (n *names) keep(p []byte) string {
	if n.Cap()-n.Len() < len(p) {
		n.Reset()
		n.Grow(max(namesBlock, len(p)))
	}
	at := n.Len()
	_, _ = n.Write(p) // never fails
	n.total += int64(len(p))
	return n.String()[at:]
}

// end is what the end records say of the central directory.
type end struct {
	count        uint64
	offset, size int64
}

func malformed(format string, args ...any) error {
	return &RefusedError{Reason: "not a sound zip archive: " + fmt.Sprintf(format, args...)}
}

// readEnd finds the end of central directory record.
func readEnd(r io.ReaderAt, size int64) (end, error) {
	tail := make([]byte, min(size, endSize+maxComment))
	if err := readFull(r, tail, size-int64(len(tail))); err != nil {
		return end{}, err
	}
	le := binary.LittleEndian
	for i := len(tail) - endSize; i >= 0; i-- {
		if le.Uint32(tail[i:]) != 0x06054b50 || int(le.Uint16(tail[i+20:])) != len(tail)-i-endSize {
			continue
		}
		rec := tail[i : i+endSize]
		e := end{count: uint64(le.Uint16(rec[10:])), size: int64(le.Uint32(rec[12:])), offset: int64(le.Uint32(rec[16:]))}
		if le.Uint16(rec[4:]) != 0 && le.Uint16(rec[4:]) != math.MaxUint16 || le.Uint16(rec[6:]) != 0 && le.Uint16(rec[6:]) != math.MaxUint16 {
			return end{}, malformed("it spans several disks")
		}
		start := size - int64(len(tail)) + int64(i)
		if e.count == math.MaxUint16 || e.size == math.MaxUint32 || e.offset == math.MaxUint32 {
			var err error
			if start, err = readEnd64(r, start, &e); err != nil {
				return end{}, err
			}
		}
		if e.offset < 0 || e.size < 0 || e.offset > start || e.size != start-e.offset {
			return end{}, malformed("the directory does not end where its end record begins")
		}
		return e, nil
	}
	return end{}, malformed("it has no end of central directory record at its end")
}

// readEnd64 replaces what the end record at start says by the zip64 record,
// if there is one, and returns where that begins.
func readEnd64(r io.ReaderAt, start int64, e *end) (int64, error) {
	le := binary.LittleEndian
	loc := make([]byte, locator64Size)
	if start < locator64Size {
		return start, nil
	}
	if err := readFull(r, loc, start-locator64Size); err != nil {
		return 0, err
	}
	if le.Uint32(loc) != 0x07064b50 {
		return start, nil // the values just happen to be the largest
	}
	at := int64At(loc[8:])
	if le.Uint32(loc[4:]) != 0 || le.Uint32(loc[16:]) > 1 || at < 0 || at > start-locator64Size-end64Size {
		return 0, malformed("its zip64 locator is wrong")
	}
	rec := make([]byte, end64Size)
	if err := readFull(r, rec, at); err != nil {
		return 0, err
	}
	if le.Uint32(rec) != 0x06064b50 || int64At(rec[4:]) != start-locator64Size-at-12 || le.Uint32(rec[16:]) != 0 || le.Uint32(rec[20:]) != 0 {
		return 0, malformed("its zip64 end record is wrong")
	}
	e.count = le.Uint64(rec[32:])
	e.size, e.offset = int64At(rec[40:]), int64At(rec[48:])
	return at, nil
}

// readDirectory reads the central directory, entry by entry.
func (a *Archive) readDirectory(r io.ReaderAt, e end, o Options) ([]Entry, error) {
	br := bufio.NewReaderSize(io.NewSectionReader(r, e.offset, e.size), int(min(max(e.size, headerSize), maxHeader)))
	// Not more than there is room for, whatever is declared.
	all := make([]Entry, 0, min(e.size/headerSize, int64(min(e.count, maxReserved))))
	var kept names
	left := e.size
	for left > 0 {
		if err := o.Budget.Take(1, 0); err != nil {
			return nil, err
		}
		entry, n, err := readHeader(br, left, &kept)
		if err != nil {
			return nil, err
		}
		left -= n
		a.declared++
		all = append(all, entry)
		if most := int64(maxNames + maxNamesEach*len(all)); kept.total > most {
			return nil, malformed("its %d first entries have names of %d bytes, more than %d", len(all), kept.total, most)
		}
	}
	if a.declared != e.count {
		return nil, malformed("its directory declares %d entries and holds %d", e.count, a.declared)
	}
	return all, nil
}

// readHeader reads one header of the directory, and tells its length. Nothing
// but the name is copied.
func readHeader(br *bufio.Reader, left int64, kept *names) (Entry, int64, error) {
	fixed, err := br.Peek(headerSize)
	if err != nil {
		return Entry{}, 0, cutShort(err)
	}
	le := binary.LittleEndian
	if le.Uint32(fixed) != 0x02014b50 {
		return Entry{}, 0, malformed("its directory holds something else than entries")
	}
	nameLen, extraLen, commentLen := int(le.Uint16(fixed[28:])), int(le.Uint16(fixed[30:])), int(le.Uint16(fixed[32:]))
	n := headerSize + nameLen + extraLen + commentLen
	if int64(n) > left {
		return Entry{}, 0, cutShort(io.ErrUnexpectedEOF)
	}
	h, err := br.Peek(n - commentLen) // which may have moved
	if err != nil {
		return Entry{}, 0, cutShort(err)
	}
	raw := kept.keep(h[headerSize : headerSize+nameLen])
	e := Entry{
		Name:       raw,
		Mode:       fileMode(h[5], le.Uint32(h[38:]), raw),
		method:     le.Uint16(h[10:]),
		crc:        le.Uint32(h[16:]),
		compressed: int64(le.Uint32(h[20:])),
		Size:       int64(le.Uint32(h[24:])),
		start:      int64(le.Uint32(h[42:])),
	}
	flags, disk := le.Uint16(h[8:]), le.Uint16(h[34:])
	if err := e.zip64(h[headerSize+nameLen:]); err != nil {
		return Entry{}, 0, err
	}
	if disk != 0 && disk != math.MaxUint16 {
		return Entry{}, 0, e.refuse("it lies on another disk")
	}
	if err := e.check(flags); err != nil {
		return Entry{}, 0, err
	}
	if e.odd != nil {
		kept.total += int64(len(raw))
	}
	if _, err := br.Discard(n); err != nil {
		return Entry{}, 0, cutShort(err)
	}
	return e, int64(n), nil
}

// zip64 takes from the extra field the values that did not fit (4.5.3).
func (e *Entry) zip64(extra []byte) error {
	le := binary.LittleEndian
	for len(extra) >= 4 {
		id, n := le.Uint16(extra), int(le.Uint16(extra[2:]))
		if n > len(extra)-4 {
			break // padding of some writers; the values below decide
		}
		field := extra[4 : 4+n]
		extra = extra[4+n:]
		if id != extraZip64 {
			continue
		}
		for _, v := range [...]*int64{&e.Size, &e.compressed, &e.start} {
			if *v != math.MaxUint32 {
				continue
			}
			if len(field) < 8 {
				return e.refuse("its zip64 field is too short")
			}
			*v = int64At(field)
			field = field[8:]
		}
		break
	}
	if e.Size < 0 || e.compressed < 0 || e.start < 0 {
		return e.refuse("its zip64 field overflows")
	}
	return nil
}

// fileMode reads the external attributes (4.4.15) as the creator's system
// (4.4.2) means them. Types that are neither file, directory nor symlink
// come out as ModeIrregular.
func fileMode(creator byte, attributes uint32, name string) fs.FileMode {
	mode := fs.FileMode(0)
	isDir := name != "" && name[len(name)-1] == '/'
	if creator == creatorUnix || creator == creatorMacOS {
		unix := attributes >> 16
		mode = fs.FileMode(unix & 0o111)
		switch unix & 0o170000 {
		case 0, 0o100000:
		case 0o040000:
			isDir = true
		case 0o120000:
			mode |= fs.ModeSymlink
		default:
			mode |= fs.ModeIrregular
		}
	} else if attributes&0x10 != 0 {
		isDir = true
	}
	if isDir && mode&fs.ModeType == 0 {
		mode |= fs.ModeDir
	}
	return mode
}

// int64At reads a 64-bit field. Values that no file can have come out
// negative, which the callers refuse.
func int64At(b []byte) int64 {
	return int64(binary.LittleEndian.Uint64(b)) //nolint:gosec // see above
}

func (e *Entry) refuse(format string, args ...any) error {
	return &RefusedError{Entry: e.stored(), Reason: fmt.Sprintf(format, args...)}
}

func readFull(r io.ReaderAt, p []byte, off int64) error {
	n, err := r.ReadAt(p, off)
	if n == len(p) {
		return nil
	}
	return cutShort(err)
}

// cutShort tells an archive that ends too early from a reader that fails.
func cutShort(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return malformed("it ends too early")
	}
	return fmt.Errorf("read the archive: %w", err)
}
