package unpack

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
)

func TestVerify(t *testing.T) {
	t.Parallel()
	large := strings.Repeat("0123456789abcdef", 1<<16)
	whole := of(file("a"), dir("d/"), with(file("d/b"), func(e *lie) { e.deflate = true }), link("l", "a"),
		with(file("z"), func(e *lie) { e.method, e.raw = methodZstd, zstded(e.body) }),
		lie{name: "large", body: large, deflate: true}, lie{name: "stored", body: large})
	tests := map[string]struct {
		zip    liar
		entry  string // or empty: it is sound
		reason string
	}{
		"nothing":              {liar{}, "", ""},
		"sound":                {whole, "", ""},
		"CRC-32":               {of(file("a"), with(file("b"), func(e *lie) { e.crc = 7 })), "b", "CRC-32"},
		"CRC-32, deflate":      {of(with(file("b"), func(e *lie) { e.deflate, e.crc = true, 7 })), "b", "CRC-32"},
		"CRC-32, zstd":         {of(with(file("b"), func(e *lie) { e.method, e.raw, e.crc = methodZstd, zstded(e.body), 7 })), "b", "CRC-32"},
		"CRC-32, symlink":      {of(with(link("b", "a"), func(e *lie) { e.crc = 7 })), "b", "CRC-32"},
		"local name":           {of(with(file("a"), func(e *lie) { e.localName = "b" })), "a", "names it"},
		"local size":           {of(with(file("a"), func(e *lie) { e.localSize = 7 })), "a", "other sizes"},
		"size":                 {of(with(file("a"), func(e *lie) { e.deflate, e.descriptor, e.size = true, true, 3 })), "a", "declares 3"},
		"damaged":              {of(with(file("a"), func(e *lie) { e.method, e.raw = methodDeflated, []byte{7, 7, 7, 7} })), "a", "damaged"},
		"local of a directory": {of(with(dir("d/"), func(e *lie) { e.localName = "e/" }), file("f")), "d/", "names it"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			data := tt.zip.bytes()
			r := &released{ReaderAt: bytes.NewReader(data), t: t}
			a, err := Zip.Open(r, int64(len(data)), Options{})
			if err != nil {
				t.Fatal(err)
			}
			err = a.Verify(t.Context(), ExtractOptions{Pool: NewPool(2)})
			refused, _ := errors.AsType[*RefusedError](err)
			switch {
			case tt.reason == "" && err != nil:
				t.Error(err)
			case tt.reason != "" && (refused == nil || refused.Entry != tt.entry || !strings.Contains(refused.Reason, tt.reason)):
				t.Errorf("got %v, want entry %q refused: %s", err, tt.entry, tt.reason)
			}
			if len(r.seen) > 0 {
				t.Error("it released what is to be kept")
			}
		})
	}
}

func TestVerifyStops(t *testing.T) {
	t.Parallel()
	data := of(lie{name: "a", body: strings.Repeat("x", 1<<20), deflate: true}).bytes()
	a, err := Zip.Open(bytes.NewReader(data), int64(len(data)), Options{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("cancelled")
	cancel(cause)
	if err := a.Verify(ctx, ExtractOptions{}); !errors.Is(err, cause) {
		t.Errorf("got %v", err)
	}
}
