package unpack

import (
	"bufio"
	"compress/bzip2"
	"context"
	"errors"
	"io"
)

var bzip2Format = compression{name: "bzip2", is: magic("BZh"), open: openBzip2}

// bzip2Memory is what a block of bzip2 takes, in bytes: the largest has 900,000, each
// in a word of 32 bits.
const bzip2Memory = 4 << 20

// errAfterBzip2 is what the standard library says of data that follows the end of a
// stream and is no other stream.
const errAfterBzip2 = bzip2.StructuralError("bad magic value in continuation file")

// bzip2Reader ignores what follows the last stream, as bzip2 does.
type bzip2Reader struct{ *windowReader }

func openBzip2(ctx context.Context, p *Pool, r *bufio.Reader) (io.ReadCloser, error) {
	m, err := p.reserve(ctx, bzip2Memory)
	if err != nil {
		return nil, err
	}
	m.Reader = bzip2.NewReader(r)
	return bzip2Reader{m}, nil
}

func (b bzip2Reader) Read(p []byte) (int, error) {
	n, err := b.windowReader.Read(p)
	if errors.Is(err, errAfterBzip2) {
		err = io.EOF
	}
	return n, err
}
