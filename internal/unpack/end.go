package unpack

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"math"
)

const (
	endSize       = 22 // 4.3.16, without comment
	end64Size     = 56 // 4.3.14, without extensible data
	locator64Size = 20 // 4.3.15
	// maxTrailing is how many bytes may follow the end record: the longest comment, and
	// one more, as for Python's zipfile.
	maxTrailing = math.MaxUint16 + 1

	endSignature       = "PK\x05\x06"
	end64Signature     = "PK\x06\x06"
	locator64Signature = "PK\x06\x07"
)

// end is what the end records say of the central directory.
type end struct {
	count, offset, size int64

	zip64 bool // count is exact, not only the lower 16 bits
	// skipped is how many bytes before the archive its offsets do not count: a
	// program that extracts it, to which the archive was appended as it was.
	skipped int64
}

// holds reports whether the end may be that of a directory of n entries.
func (e *end) holds(n int) bool {
	if e.zip64 {
		return e.count == int64(n)
	}
	return e.count == int64(n)&math.MaxUint16
}

func malformed(format string, args ...any) error {
	return &RefusedError{Reason: "not a sound zip archive: " + fmt.Sprintf(format, args...)}
}

// readEnd finds the end of central directory record of an archive of size bytes,
// and checks it. The last one in the file counts, whatever follows it. readEnd looks in the
// last enough bytes first, unless enough is 0.
func readEnd(r input, size, enough int64) (end, error) {
	most := min(size, endSize+maxTrailing)
	tail := make([]byte, min(most, cmp.Or(enough, most)))
	if err := readFull(r, tail, size-int64(len(tail))); err != nil {
		return end{}, err
	}
	at := lastEnd(tail)
	if at < 0 && int64(len(tail)) < most {
		return readEnd(r, size, 0)
	}
	if at < 0 {
		return end{}, malformed("it has no end of central directory record near its end")
	}
	for i := lastEnd(tail[:at+endSize-1]); i >= 0; i = lastEnd(tail[:i+endSize-1]) {
		if i+endSize+commentLength(tail[i:]) == len(tail) {
			return end{}, malformed("its comment holds another end record")
		}
	}
	le := binary.LittleEndian
	rec := tail[at : at+endSize]
	start := size - int64(len(tail)-at) // of the records that follow the directory
	if disk := le.Uint16(rec[4:]); disk != 0 && disk != math.MaxUint16 {
		return end{}, malformed("it spans several disks")
	}
	e := end{count: int64(le.Uint16(rec[10:])), size: int64(le.Uint32(rec[12:])), offset: int64(le.Uint32(rec[16:]))}
	at64, err := e.readEnd64(r, start)
	if err != nil {
		return end{}, err
	}
	if at64 >= 0 {
		start = at64
	}
	if e.count < 0 || e.offset < 0 || e.size < 0 || e.size > start || e.offset > start-e.size {
		return end{}, malformed("it lacks bytes, or its end record is wrong: the directory does not end where the end records begin")
	}
	if e.skipped = start - e.size - e.offset; e.skipped > 0 && e.size == 0 {
		return end{}, malformed("an archive without entries begins after its first byte")
	}
	e.offset += e.skipped
	return e, nil
}

// lastEnd returns where the last record begins that tail has room for, or -1.
func lastEnd(tail []byte) int {
	if len(tail) < endSize {
		return -1
	}
	return bytes.LastIndex(tail[:len(tail)-endSize+len(endSignature)], []byte(endSignature))
}

// commentLength returns how many bytes an end record declares for its comment.
func commentLength(rec []byte) int { return int(binary.LittleEndian.Uint16(rec[20:])) }

// readEnd64 replaces the values of the end record at start by those of the zip64 record, if
// there is one, and returns where the zip64 record begins, or -1. Some writers add it although
// all values fit into the end record; then both records have to agree.
func (e *end) readEnd64(r input, start int64) (int64, error) {
	le := binary.LittleEndian
	loc := make([]byte, locator64Size)
	if start < locator64Size {
		return -1, nil
	}
	if err := readFull(r, loc, start-locator64Size); err != nil || string(loc[:4]) != locator64Signature {
		return -1, err
	}
	rec := make([]byte, end64Size)
	// Where the locator says, or, if bytes before the archive are not counted, right
	// before the locator.
	for _, at := range [...]int64{int64At(loc[8:]), start - locator64Size - end64Size} {
		if at < 0 || at > start-locator64Size-end64Size {
			continue
		}
		if err := readFull(r, rec, at); err != nil {
			return 0, err
		}
		if string(rec[:4]) != end64Signature {
			continue
		}
		if le.Uint32(loc[4:]) != 0 || le.Uint32(loc[16:]) > 1 || le.Uint32(rec[16:]) != 0 || le.Uint32(rec[20:]) != 0 {
			return 0, malformed("it spans several disks")
		}
		whole := end{count: int64At(rec[32:]), size: int64At(rec[40:]), offset: int64At(rec[48:]), zip64: true}
		if !abridges(e.count, math.MaxUint16, whole.count) || !abridges(e.size, math.MaxUint32, whole.size) || !abridges(e.offset, math.MaxUint32, whole.offset) {
			return 0, malformed("its end record and its zip64 end record contradict each other")
		}
		*e = whole
		return at, nil
	}
	return -1, nil // what looks like a locator leads nowhere
}

// abridges reports whether a field that holds at most largest agrees with the 64-bit value:
// it has the value's lower bits, or says by the largest value that it has no room.
func abridges(field, largest, value int64) bool {
	return field == largest || field == value&largest
}
