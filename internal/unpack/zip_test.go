package unpack

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"hash/crc32"
	"io"
	"math"
	"slices"
	"strings"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// liar writes zip archives that may say anything.
type liar struct {
	entries []lie
	// prefix and suffix go before and after the archive; comment is the end
	// record's.
	prefix, suffix, comment string
	// unadjusted offsets do not count the prefix.
	unadjusted bool
	// count, dirShift and disk change what the end record says.
	count    int
	dirShift int
	disk     uint16
	// zip64 adds the zip64 records. beside leaves the values in the end record that
	// fit there. The edits change the three records before they are written, and
	// extensible is the zip64 record's own data.
	zip64, beside                bool
	editEnd, edit64, editLocator func(rec []byte)
	extensible                   string
	// backwards makes the directory list the entries in the other order.
	backwards bool
}

// lie is an entry. Zero fields mean the truth.
type lie struct {
	name, body string
	unix       uint32 // mode of a Unix creator; 0 is an MS-DOS creator
	dosAttr    uint32
	deflate    bool
	extra      string
	comment    string
	made       uint8 // the creator's system; 0 is MS-DOS, or Unix with a mode
	disk       uint16

	descriptor bool // sizes and CRC after the data
	unsigned   bool // the descriptor has no signature
	wide       bool // the descriptor has sizes of 64 bits
	told       bool // the local header has the sizes, too

	localName   string
	method      uint16
	localMethod uint16
	flags       uint16
	size        uint32
	compressed  uint32
	crc         uint32
	localSize   uint32
	localFlags  uint16
	localField  string // the local header's extra field
	localExtra  uint16 // length of an extra field that the local header declares and does not have
	offsetShift int
	sameOffset  bool // as the entry before
	gap         int  // bytes after it
	raw         []byte
}

func (l liar) bytes() []byte {
	var out bytes.Buffer
	const ends = 256 // the records at the end
	size := len(l.prefix) + len(l.comment) + len(l.suffix) + len(l.extensible) + ends
	for _, e := range l.entries {
		size += localSize + headerSize + 2*len(e.name) + max(len(e.raw), len(e.body)/4)
	}
	out.Grow(size)
	out.WriteString(l.prefix)
	prev := 0
	var headers []string
	for _, e := range l.entries {
		body := []byte(e.body)
		data, method := body, e.method
		if e.deflate {
			method = methodDeflated
			data = deflated(e.body)
		}
		if e.raw != nil {
			data = e.raw
		}
		crc := or(e.crc, crc32.ChecksumIEEE(body))
		size, compressed := or(e.size, uint32(len(e.body))), or(e.compressed, uint32(len(data)))
		flags := e.flags
		localName := or(e.localName, e.name)
		offset := out.Len() - l.skipped()
		if e.sameOffset {
			offset = prev
		}
		prev = offset

		local := []uint32{size, compressed, crc}
		if e.descriptor {
			flags |= flagDescriptor
			if !e.told {
				local = []uint32{0, 0, 0}
			}
		}
		le := binary.LittleEndian
		h := make([]byte, localSize)
		le.PutUint32(h, 0x04034b50)
		le.PutUint16(h[6:], flags|e.localFlags)
		le.PutUint16(h[8:], or(e.localMethod, method))
		le.PutUint32(h[14:], local[2])
		le.PutUint32(h[18:], local[1])
		le.PutUint32(h[22:], or(e.localSize, local[0]))
		le.PutUint16(h[26:], uint16(len(localName)))
		le.PutUint16(h[28:], uint16(len(e.localField))+e.localExtra)
		if !e.sameOffset {
			out.Write(h)
			out.WriteString(localName)
			out.WriteString(e.localField)
			out.Write(data)
			out.Write(e.dataDescriptor(crc, compressed, size))
			out.Write(make([]byte, e.gap))
		}

		c := make([]byte, headerSize)
		le.PutUint32(c, 0x02014b50)
		le.PutUint16(c[8:], flags)
		le.PutUint16(c[10:], method)
		le.PutUint32(c[16:], crc)
		le.PutUint32(c[20:], compressed)
		le.PutUint32(c[24:], size)
		le.PutUint16(c[28:], uint16(len(e.name)))
		le.PutUint16(c[30:], uint16(len(e.extra)))
		le.PutUint16(c[32:], uint16(len(e.comment)))
		le.PutUint16(c[34:], e.disk)
		le.PutUint32(c[38:], e.dosAttr)
		if e.unix != 0 {
			c[5] = creatorUnix
			le.PutUint32(c[38:], e.unix<<16)
		}
		c[5] = or(e.made, c[5])
		le.PutUint32(c[42:], uint32(offset+e.offsetShift))
		headers = append(headers, string(c)+e.name+e.extra+e.comment)
	}
	if l.backwards {
		slices.Reverse(headers)
	}
	l.writeEnd(&out, []byte(strings.Join(headers, "")))
	return out.Bytes()
}

// skipped is what offsets do not count, in bytes.
func (l liar) skipped() int {
	if l.unadjusted {
		return len(l.prefix)
	}
	return 0
}

// dataDescriptor is what follows the data, if anything does (4.3.9).
func (e lie) dataDescriptor(crc, compressed, size uint32) []byte {
	le := binary.LittleEndian
	if !e.descriptor {
		return nil
	}
	var d []byte
	if !e.unsigned {
		d = le.AppendUint32(d, 0x08074b50)
	}
	d = le.AppendUint32(d, crc)
	if e.wide {
		return le.AppendUint64(le.AppendUint64(d, uint64(compressed)), uint64(size))
	}
	return le.AppendUint32(le.AppendUint32(d, compressed), size)
}

func (l liar) writeEnd(out *bytes.Buffer, dir []byte) {
	le := binary.LittleEndian
	write := func(rec []byte, edit func([]byte)) {
		if edit != nil {
			edit(rec)
		}
		out.Write(rec)
	}
	start := out.Len() + l.dirShift - l.skipped()
	out.Write(dir)
	count := or(l.count, len(l.entries))
	if l.zip64 {
		at := out.Len() - l.skipped()
		e := make([]byte, end64Size)
		le.PutUint32(e, 0x06064b50)
		le.PutUint64(e[4:], uint64(end64Size-12+len(l.extensible)))
		le.PutUint64(e[24:], uint64(count))
		le.PutUint64(e[32:], uint64(count))
		le.PutUint64(e[40:], uint64(len(dir)))
		le.PutUint64(e[48:], uint64(start))
		write(e, l.edit64)
		out.WriteString(l.extensible)
		loc := make([]byte, locator64Size)
		le.PutUint32(loc, 0x07064b50)
		le.PutUint64(loc[8:], uint64(at))
		le.PutUint32(loc[16:], 1)
		write(loc, l.editLocator)
	}
	e := make([]byte, endSize)
	le.PutUint32(e, 0x06054b50)
	le.PutUint16(e[4:], l.disk)
	le.PutUint16(e[8:], uint16(count))
	le.PutUint16(e[10:], uint16(count))
	le.PutUint32(e[12:], uint32(len(dir)))
	le.PutUint32(e[16:], uint32(start))
	if l.zip64 && !l.beside {
		copy(e[8:20], bytes.Repeat([]byte{0xff}, 12))
	}
	le.PutUint16(e[20:], uint16(len(l.comment)))
	write(e, l.editEnd)
	out.WriteString(l.comment)
	out.WriteString(l.suffix)
}

// deflaters are compressors for deflated: to make one takes more time than to use it.
var deflaters = sync.Pool{New: func() any {
	w, _ := flate.NewWriter(nil, flate.BestSpeed) // the level is valid
	return w
}}

func deflated(s string) []byte {
	var b bytes.Buffer
	w := deflaters.Get().(*flate.Writer)
	defer deflaters.Put(w)
	w.Reset(&b)
	_, _ = io.WriteString(w, s) // a Buffer does not fail
	_ = w.Close()
	return b.Bytes()
}

// nothing is deflated.
var nothing = deflated("")

// huge is an entry that declares a size in its zip64 field.
func huge(name string, size int64) lie {
	extra := binary.LittleEndian.AppendUint64([]byte("\x01\x00\x08\x00"), uint64(size))
	return lie{name: name, raw: nothing, method: methodDeflated, descriptor: true, size: math.MaxUint32, extra: string(extra)}
}

func or[T comparable](v, otherwise T) T {
	var zero T
	if v == zero {
		return otherwise
	}
	return v
}

// zstdEncoder is safe for concurrent use of EncodeAll.
var zstdEncoder = sync.OnceValue(func() *zstd.Encoder {
	w, err := zstd.NewWriter(nil)
	if err != nil {
		panic(err)
	}
	return w
})

// zstded compresses by the method 93.
func zstded(body string) []byte { return zstdEncoder().EncodeAll([]byte(body), nil) }
