package unpack

import (
	"encoding/binary"
	"fmt"
	"io/fs"
	"math"
	"strings"
)

const (
	headerSize       = 46     // 4.3.12, without name, extra field and comment
	localSize        = 30     // 4.3.7, without name and extra field
	extraZip64       = 0x0001 // 4.5.3
	extraUnicodePath = 0x7075 // 4.6.9
	flagDescriptor   = 1 << 3
	flagUTF8         = 1 << 11
	flagsEncrypted   = 1<<0 | 1<<6 | 1<<13
	flagPatched      = 1 << 5
	creatorFAT       = 0
	creatorUnix      = 3
	creatorNTFS      = 10
	creatorNTFS11    = 11 // what Info-ZIP calls NTFS; MVS in the list of 4.4.2
	creatorVFAT      = 14
	creatorMacOS     = 19
	// maxSize is what an entry may declare, in bytes: no disk has that much,
	// and the sum of a few of them does not overflow.
	maxSize = 1 << 50
)

// Entry is a file, directory or symlink of an archive.
type Entry struct {
	// Name is clean and slash-separated.
	Name string
	// Size is that of the extracted content, in bytes.
	Size int64
	// Mode has the type and the permissions, of which zip has the execute bits
	// only; no set-id bits.
	Mode fs.FileMode
	// CRC32 is what the directory of a zip declares.
	CRC32 uint32

	stored   string // the name as the archive has it
	hardLink string // the clean name of the file that this is a hard link to; else ""
	mtime    *int64 // ns since 1970; nil: not restored

	// Of zip.
	header     int64 // where the header begins in the directory
	start      int64 // where the local header begins
	compressed int64
	limit      int64 // the entry must end here at the latest
	method     uint16
	markedDir  bool // by its attributes, whatever its name says
}

func (e *Entry) refuse(format string, args ...any) error {
	return &RefusedError{Entry: e.stored, Reason: fmt.Sprintf(format, args...)}
}

// parseHeader reads and checks a header of the directory. h is the header without its
// comment. raw is the name in h, as a string that the entry may keep.
func parseHeader(h []byte, raw string) (Entry, error) {
	le := binary.LittleEndian
	flags := le.Uint16(h[8:])
	e := Entry{
		stored:     raw,
		method:     le.Uint16(h[10:]),
		CRC32:      le.Uint32(h[16:]),
		compressed: int64(le.Uint32(h[20:])),
		Size:       int64(le.Uint32(h[24:])),
		start:      int64(le.Uint32(h[42:])),
	}
	unicode, err := e.extra(h[headerSize+len(raw):])
	if err != nil {
		return Entry{}, err
	}
	e.Name = decodeName(raw, unicode, flags, h[5])
	e.setMode(h[5], le.Uint32(h[38:]))
	return e, e.check(flags)
}

// extra takes from the extra field the values that did not fit (4.5.3), and returns
// the Unicode Path field (4.6.9), if there is one.
func (e *Entry) extra(extra []byte) (unicode []byte, err error) {
	le := binary.LittleEndian
	zip64 := false
	for len(extra) >= 4 {
		id, n := le.Uint16(extra), int(le.Uint16(extra[2:]))
		if n > len(extra)-4 {
			break // padding of some writers; the values below decide
		}
		field := extra[4 : 4+n]
		extra = extra[4+n:]
		switch {
		case id == extraUnicodePath:
			unicode = field
		case id == extraZip64 && !zip64:
			zip64 = true
			if err := e.zip64(field); err != nil {
				return nil, err
			}
		}
	}
	if e.Size < 0 || e.compressed < 0 || e.start < 0 {
		return nil, e.refuse("its zip64 field overflows")
	}
	return unicode, nil
}

// zip64 takes from the zip64 field the values that the header has no room for.
func (e *Entry) zip64(field []byte) error {
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
	return nil
}

// Types of files in the attributes of a Unix creator.
const (
	typeMask     = 0o170000
	typeCharDev  = 0o020000
	typeDir      = 0o040000
	typeBlockDev = 0o060000
	typeSymlink  = 0o120000
)

// setMode reads the external attributes (4.4.15) as the creator's system (4.4.2)
// means them. As for other programs, it is the name alone that makes a directory, and
// what is neither that nor a symlink or a device is a file: entries made from a pipe
// are FIFOs, or have no type at all. A symlink to nowhere ("") is an empty file.
func (e *Entry) setMode(creator byte, attributes uint32) {
	unix := uint32(0)
	if creator == creatorUnix || creator == creatorMacOS {
		unix = attributes >> 16
		e.markedDir = unix&typeMask == typeDir
	} else {
		e.markedDir = attributes&0x10 != 0
	}
	e.Mode = fs.FileMode(unix & 0o111)
	switch kind := unix & typeMask; {
	case kind == typeCharDev, kind == typeBlockDev:
		e.Mode |= fs.ModeDevice
	case strings.HasSuffix(e.Name, "/"):
		e.Mode |= fs.ModeDir
	case kind == typeSymlink && e.Size > 0:
		e.Mode |= fs.ModeSymlink
	}
}

// int64At reads a 64-bit field. Values that no file can have come out
// negative, which the callers refuse.
func int64At(b []byte) int64 {
	return int64(binary.LittleEndian.Uint64(b)) //nolint:gosec // see above
}

// check applies the rules for a single entry and cleans its Name, which becomes empty
// for an entry that means the destination itself.
func (e *Entry) check(flags uint16) error {
	switch {
	case flags&flagsEncrypted != 0:
		return e.refuse("it is encrypted, and there is no password")
	case flags&flagPatched != 0:
		return e.refuse("it is a patch of another version")
	case !supported(e.method):
		return e.refuse("its compression method %s is not supported", methodName(e.method))
	case e.method == methodStored && e.Size != e.compressed && !e.Mode.IsDir():
		return e.refuse("it is stored, but its sizes differ")
	case e.Size > maxSize:
		return e.refuse("it declares %d bytes, which no disk holds", e.Size)
	case e.Mode&fs.ModeDevice != 0:
		return e.refuse("it is a device")
	case e.Mode.IsDir() && isRoot(e.Name):
		e.Name = ""
		return nil
	case e.Mode&fs.ModeSymlink != 0 && e.Size > maxTarget:
		return e.refuse("it is a symlink with a target of %d bytes", e.Size)
	}
	name, err := cleanName(e.Name)
	if err != nil {
		return e.refuse("its name %v", err)
	}
	e.Name = name
	return nil
}

// checkLocal compares the fixed part of a local header with the directory, and returns
// how long the header is, name and extra field included. Programs differ in which of the
// two they believe about the size of a stored file, so both have to agree. A compressed
// stream has its own end, and the content of a directory is not read.
func (e *Entry) checkLocal(head []byte) (int64, error) {
	le := binary.LittleEndian
	signature, flags, method := le.Uint32(head), le.Uint16(head[6:]), le.Uint16(head[8:])
	compressed, size := le.Uint32(head[18:]), le.Uint32(head[22:])
	nameLen, extraLen := int64(le.Uint16(head[26:])), int64(le.Uint16(head[28:]))
	directory := e.Mode.IsDir()
	switch {
	case signature != 0x04034b50:
		return 0, e.refuse("there is no local header where the directory says it is")
	case nameLen != int64(len(e.stored)):
		return 0, e.refuse("its local header has a name of another length")
	case method != e.method && !directory || flags&(flagsEncrypted|flagPatched) != 0:
		return 0, e.refuse("its local header gives another method or encryption")
	case method == methodStored && !directory && flags&flagDescriptor == 0 && (differs(compressed, e.compressed) || differs(size, e.Size)):
		return 0, e.refuse("its local header gives other sizes")
	}
	n := localSize + nameLen + extraLen
	if e.compressed > e.limit-e.start-n {
		return 0, e.refuse("its data reaches beyond its place in the archive")
	}
	return n, nil
}

// checkLocalName compares the name that follows in the local header with the
// directory's.
func (e *Entry) checkLocalName(name []byte) error {
	if string(name) != e.stored {
		return e.refuse("its local header names it %q", name)
	}
	return nil
}

// differs compares a size of a local header, where the largest value means
// that the size is in a zip64 field.
func differs(local uint32, size int64) bool {
	return local != math.MaxUint32 && int64(local) != size
}
