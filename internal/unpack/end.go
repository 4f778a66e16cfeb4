package unpack

import (
	"encoding/binary"
	"fmt"
	"math"
)

const (
	endSize       = 22 // 4.3.16, without comment
	end64Size     = 56 // 4.3.14, without extensible data
	locator64Size = 20 // 4.3.15
	maxComment    = math.MaxUint16
)

// end is what the end records say of the central directory.
type end struct {
	count        uint64
	offset, size int64
}

func malformed(format string, args ...any) error {
	return &RefusedError{Reason: "not a sound zip archive: " + fmt.Sprintf(format, args...)}
}

// readEnd finds and checks the end of central directory record, at the end of an
// archive of size bytes.
func readEnd(r input, size int64) (end, error) {
	tail := make([]byte, min(size, endSize+maxComment))
	if err := readFull(r, tail, size-int64(len(tail))); err != nil {
		return end{}, err
	}
	le := binary.LittleEndian
	other := false
	for i := len(tail) - endSize; i >= 0; i-- {
		if le.Uint32(tail[i:]) != 0x06054b50 {
			continue
		}
		if int(le.Uint16(tail[i+20:])) != len(tail)-i-endSize {
			other = true
			continue
		}
		if other { // other programs would take that one for the end
			return end{}, malformed("its comment holds another end record")
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
func readEnd64(r input, start int64, e *end) (int64, error) {
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
