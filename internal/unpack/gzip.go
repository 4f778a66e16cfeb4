package unpack

import (
	"bufio"
	"context"
	"errors"
	"io"

	"github.com/klauspost/compress/gzip"
)

const gzipMagic = "\x1f\x8b\x08" // the identification of a member, and the method deflate

var gzipFormat = compression{name: "gzip", is: magic(gzipMagic), open: openGzip}

// errAfterGzip is the error for data after the last member. gzip calls it trailing garbage.
var errAfterGzip = errors.New("gzip: data that is no gzip follows its end")

// gzipReader reads the members of a gzip file (RFC 1952, section 2.2) one after another.
// As gzip does, it ignores zeros behind the last one: tapes and block devices have them.
type gzipReader struct {
	member *gzip.Reader
	in     *bufio.Reader // member takes no more from it than it needs
}

func openGzip(_ context.Context, _ *Pool, r *bufio.Reader) (io.ReadCloser, error) {
	member, err := gzip.NewReader(r)
	if err != nil {
		return nil, err
	}
	member.Multistream(false)
	return &gzipReader{member, r}, nil
}

func (g *gzipReader) Read(p []byte) (int, error) {
	for {
		n, err := g.member.Read(p)
		if n > 0 && errors.Is(err, io.EOF) {
			err = nil // the next call returns it
		}
		if n > 0 || !errors.Is(err, io.EOF) {
			return n, err
		}
		if err := g.next(); err != nil {
			return 0, err
		}
	}
}

// next begins with the next member, or returns io.EOF behind the last one.
func (g *gzipReader) next() error {
	head, err := peek(g.in, len(gzipMagic))
	if err != nil {
		return err
	}
	if string(head) != gzipMagic {
		if err := onlyZeros(g.in); err != nil {
			return err
		}
		return errAfterGzip
	}
	if err := g.member.Reset(g.in); err != nil {
		return err
	}
	g.member.Multistream(false)
	return nil
}

func (g *gzipReader) Close() error { return g.member.Close() }
