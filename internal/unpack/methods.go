package unpack

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz/lzma"
)

// Compression methods (4.4.5).
const (
	methodStored    = 0
	methodDeflated  = 8
	methodDeflate64 = 9
	methodBzip2     = 12
	methodLZMA      = 14
	methodZstd      = 93
	methodXZ        = 95
)

// methodNames are for messages.
var methodNames = map[uint16]string{
	1: "Shrink", 2: "Reduce", 3: "Reduce", 4: "Reduce", 5: "Reduce", 6: "Implode", methodDeflate64: "Deflate64", 10: "PKWARE Implode",
	methodBzip2: "bzip2", methodLZMA: "LZMA", 16: "IBM z/OS CMPSC", 18: "IBM TERSE", 19: "IBM LZ77", 20: "Zstandard", methodZstd: "Zstandard",
	94: "MP3", methodXZ: "XZ", 96: "JPEG", 97: "WavPack", 98: "PPMd", 99: "AES",
}

func methodName(method uint16) string {
	if name, ok := methodNames[method]; ok {
		return fmt.Sprintf("%d (%s)", method, name)
	}
	return fmt.Sprint(method)
}

// opener begins to decompress what in has, as soon as the pool has memory for it; closing
// the reader gives that back. Its errors are the entry's.
type opener func(ctx context.Context, p *Pool, in *sourceReader, e *Entry) (io.ReadCloser, error)

// openers are those of the methods that take memory of the pool's windows.
var openers = map[uint16]opener{
	methodBzip2: asInTar(openBzip2),
	methodLZMA:  openLZMA,
	methodZstd:  openZstd,
	methodXZ:    asInTar(openXZ),
}

// asInTar returns the opener of a method whose data is like that of a compressed tar: see
// compression.open.
func asInTar(open func(context.Context, *Pool, *bufio.Reader) (io.ReadCloser, error)) opener {
	return func(ctx context.Context, p *Pool, in *sourceReader, e *Entry) (io.ReadCloser, error) {
		r, err := open(ctx, p, bufio.NewReaderSize(in, byteBuffer))
		if err != nil && ctx.Err() == nil {
			err = e.damaged(err, in)
		}
		return r, err
	}
}

func supported(method uint16) bool {
	switch method {
	case methodStored, methodDeflated, methodDeflate64:
		return true
	}
	return openers[method] != nil
}

// byteBuffer is how much is read at once for a decompressor that takes single bytes.
const byteBuffer = 32 << 10

// openLZMA reads the header that zip puts before the data (5.8.8), and makes of it
// that of an .lzma file, which the library knows.
func openLZMA(ctx context.Context, p *Pool, in *sourceReader, e *Entry) (io.ReadCloser, error) {
	const version, properties = 4, 5 // bytes
	var head [version + properties]byte
	if _, err := io.ReadFull(in, head[:]); err != nil {
		return nil, e.damaged(err, in)
	}
	le := binary.LittleEndian
	if n := le.Uint16(head[2:]); n != properties {
		return nil, e.refuse("its compressed data is damaged: LZMA properties of %d bytes", n)
	}
	props, err := lzma.PropertiesForCode(head[version])
	if err != nil {
		return nil, e.damaged(err, in)
	}
	// No more than the size that is declared: nothing refers to bytes before the beginning.
	dict := min(int64(le.Uint32(head[version+1:])), max(e.Size, lzma.MinDictCap))
	probabilities := int64(0x300*2) << (props.LC + props.LP)
	if need := dict + probabilities; need > maxTarWindow {
		return nil, e.refuse("LZMA needs %d MiB of memory to decompress it, more than the %d MiB there are; compress it with a smaller dictionary", (need-1)>>20+1, maxTarWindow>>20)
	}
	m, err := p.reserve(ctx, dict+probabilities)
	if err != nil {
		return nil, err
	}
	file := append([]byte{}, head[version])
	file = le.AppendUint32(file, uint32(dict))   //nolint:gosec // it was 32 bits
	file = le.AppendUint64(file, uint64(e.Size)) //nolint:gosec // not negative
	m.Reader, err = lzma.NewReader(bufio.NewReaderSize(io.MultiReader(bytes.NewReader(file), in), byteBuffer))
	if err != nil {
		_ = m.Close()
		return nil, e.damaged(err, in)
	}
	return m, nil
}

func openZstd(ctx context.Context, p *Pool, in *sourceReader, e *Entry) (io.ReadCloser, error) {
	z, err := p.zstd(ctx, bufio.NewReaderSize(in, zstd.HeaderMaxSize), maxEntryWindow)
	if tooLarge, ok := errors.AsType[*windowError](err); ok {
		return nil, e.refuse("%v", tooLarge)
	}
	return z, err
}
