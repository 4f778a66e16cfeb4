package inflate

import (
	"bytes"
	"compress/flate"
	"errors"
	"fmt"
	"io"
	"testing"
	"testing/iotest"
)

// A stream that is cut anywhere is an error, always io.ErrUnexpectedEOF, whatever an earlier
// stream left in the buffers.
func TestTruncated(t *testing.T) {
	t.Parallel()
	data := text(3000)
	fixed := &bitWriter{}
	fixed.bits(1|1<<1, 3)
	for range len(data) / 5 {
		fixed.literal('x')
		fixed.match(4, 1)
	}
	fixed.code(0, 7) // which zeros, as in a new buffer, would be as well
	streams := [][]byte{fixed.done()}
	for _, level := range []int{0, 1, 9, flate.HuffmanOnly} {
		streams = append(streams, deflate(t, level, data))
	}
	for i, src := range streams {
		var d Decoder
		for n := range len(src) {
			if _, err := d.Copy(io.Discard, bytes.NewReader(src[:n]), int64(len(data))); !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Fatalf("stream %d, %d of %d bytes: %v", i, n, len(src), err)
			}
		}
		for n := range len(src) {
			poison(&d, 2*len(data))
			if _, err := d.Copy(io.Discard, bytes.NewReader(src[:n]), int64(len(data))); !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Fatalf("stream %d, %d of %d bytes, after others: %v", i, n, len(src), err)
			}
		}
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	hand := func(f func(*bitWriter)) []byte {
		w := &bitWriter{}
		f(w)
		return w.done()
	}
	data := text(100000)
	good := deflate(t, 6, data)
	tests := map[string]struct {
		src  []byte
		size int
		want error
	}{
		"nothing":          {nil, 0, io.ErrUnexpectedEOF},
		"block type 3":     {[]byte{7}, 0, ErrCorrupt},
		"too much":         {good, len(data) - 1, ErrSize},
		"much too much":    {good, 10, ErrSize},
		"too little":       {good, len(data) + 1, ErrSize},
		"stored, bad size": {[]byte{1, 5, 0, 0, 0}, 5, ErrCorrupt},
		"stored, cut":      {[]byte{1, 5, 0, 0xfa, 0xff, 1}, 5, io.ErrUnexpectedEOF},
		"stored, too much": {[]byte{1, 2, 0, 0xfd, 0xff, 1, 2}, 1, ErrSize},
		"distance too far": {hand(func(w *bitWriter) { w.bits(3, 3); w.literal('a'); w.match(3, 2); w.code(0, 7) }), 4, ErrCorrupt},
		"distance too far, in the middle": {hand(func(w *bitWriter) {
			w.bits(3, 3)
			w.literal('a')
			w.match(3, 2) // where the fast loop is, and one byte too far
			for range 2 * outMargin {
				w.literal('b')
			}
			w.code(0, 7)
		}), 4 + 2*outMargin, ErrCorrupt},
		"length 286":      {hand(func(w *bitWriter) { w.bits(3, 3); w.code(0xc6, 8); w.bits(0, 32); w.bits(0, 32) }), 4, ErrCorrupt},
		"distance 30":     {hand(func(w *bitWriter) { w.bits(3, 3); w.literal('a'); w.code(1, 7); w.code(30, 5); w.bits(0, 32) }), 4, ErrCorrupt},
		"31 distances":    {hand(func(w *bitWriter) { w.bits(5, 3); w.bits(0, 5); w.bits(30, 5); w.bits(0, 4) }), 0, ErrCorrupt},
		"287 literals":    {hand(func(w *bitWriter) { w.bits(5, 3); w.bits(30, 5); w.bits(0, 5); w.bits(0, 4) }), 0, ErrCorrupt},
		"over-subscribed": {hand(func(w *bitWriter) { w.bits(5, 3); w.bits(0, 14); w.bits(0o1111, 12) }), 0, ErrCorrupt},
		"repeats nothing": {hand(func(w *bitWriter) { w.bits(5, 3); w.bits(0, 14); w.bits(0o0011, 12); w.bits(0, 20) }), 0, ErrCorrupt},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var d Decoder
			for range 2 { // a Decoder is good for more after an error
				var e *Error
				var b bytes.Buffer
				_, err := d.Copy(&b, bytes.NewReader(tt.src), int64(tt.size))
				if !errors.Is(err, tt.want) || !errors.As(err, &e) || e.Detail == "" {
					t.Error(err)
				}
				if b.Len() > tt.size {
					t.Errorf("%d bytes were written, of %d", b.Len(), tt.size)
				}
			}
			agree(t, &d, good, data)
		})
	}
}

func TestErrorsOfOthers(t *testing.T) {
	t.Parallel()
	var d Decoder
	broken := errors.New("broken")
	data, src := large()
	size := int64(len(data))
	if _, err := d.Copy(io.Discard, io.MultiReader(bytes.NewReader(src[:1000]), iotest.ErrReader(broken)), size); !errors.Is(err, broken) {
		t.Errorf("reader: %v", err)
	}
	lost := fmt.Errorf("connection lost: %w", io.EOF)
	if _, err := d.Copy(io.Discard, io.MultiReader(bytes.NewReader(src[:1000]), iotest.ErrReader(lost)), size); !errors.Is(err, lost) {
		t.Errorf("reader, with an end that is none: %v", err)
	}
	if _, err := d.Copy(io.Discard, io.MultiReader(bytes.NewReader(src), iotest.ErrReader(broken)), size); err != nil {
		t.Errorf("reader, after the end: %v", err)
	}
	if _, err := d.Copy(failing{broken}, bytes.NewReader(src), size); !errors.Is(err, broken) {
		t.Errorf("writer: %v", err)
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }
