package unpack

import (
	"bufio"
	"context"
	"errors"
	"io"
	"strings"
	"unicode/utf8"
)

// compression is a format of compressed data that a tar may lie in. A new one takes a
// file with a value of this type, and a row of compressions.
type compression struct {
	name string
	is   func(head []byte) bool // whether data that begins like head has this format
	// open begins to decompress what r has, as soon as the pool has memory for it;
	// closing the reader gives that back. Bytes after the end of the data are ignored if
	// the program that the format comes from ignores them. An error is a *RefusedError if data needs
	// too much memory; any other means that the data is damaged, or that r failed.
	open func(ctx context.Context, p *Pool, r *bufio.Reader) (io.ReadCloser, error)
}

// compressions are those that ExpandTars decompresses.
var compressions = []compression{gzipFormat, zstdFormat, xzFormat, bzip2Format}

// compressionOf returns the format of data that begins like head, or nil.
func compressionOf(head []byte) *compression {
	for i := range compressions {
		if compressions[i].is(head) {
			return &compressions[i]
		}
	}
	return nil
}

// magic returns a function that compares the first bytes of data.
func magic(first string) func(head []byte) bool {
	return func(head []byte) bool { return strings.HasPrefix(string(head), first) }
}

// onlyZeros reads zeros. It returns io.EOF if there is nothing else, and nil at a byte
// that is no zero.
func onlyZeros(r *bufio.Reader) error {
	for {
		b, err := r.ReadByte()
		if err != nil {
			return err
		}
		if b != 0 {
			return r.UnreadByte()
		}
	}
}

// otherFormats are formats that a message names: what is no tar may be one of them.
var otherFormats = []struct{ first, phrase string }{
	{"\x04\x22\x4d\x18", "LZ4 data, which cannot be decompressed here"},
	{"LZIP", "lzip data, which cannot be decompressed here"},
	{"\x5d\x00\x00", "LZMA data, which cannot be decompressed here"},
	{"\x89LZO\x00\r\n\x1a\n", "lzop data, which cannot be decompressed here"},
	{"\x1f\x9d", "data of compress (.Z), which cannot be decompressed here"},
	{"PK\x03\x04", "a zip archive"},
	{"7z\xbc\xaf\x27\x1c", "a 7z archive"},
	{"Rar!\x1a\x07", "a RAR archive"},
	{"-----BEGIN PGP", "PGP data"},
}

// describe returns a noun phrase for what a file is, if it is no tar, by its first bytes.
func describe(head []byte) string {
	for _, f := range otherFormats {
		if magic(f.first)(head) {
			return f.phrase
		}
	}
	switch {
	case len(head) == 0:
		return "an empty file"
	case isText(head):
		return "text"
	}
	return "data of an unknown format"
}

// isText reports whether a file that begins with head is text in UTF-8; head may end
// within a character.
func isText(head []byte) bool {
	for len(head) > 0 {
		r, n := utf8.DecodeRune(head)
		if r == utf8.RuneError && n == 1 {
			return !utf8.FullRune(head)
		}
		if r < ' ' && !strings.ContainsRune("\t\n\f\r", r) {
			return false
		}
		head = head[n:]
	}
	return true
}

// peek returns up to n bytes that r has next; fewer if it has no more.
func peek(r *bufio.Reader, n int) ([]byte, error) {
	head, err := r.Peek(n)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return head, err
}
