package inflate

import (
	"bytes"
	"compress/flate"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
)

// writers has, by level, compressors that deflate has used: a new one takes 1 MB.
var writers [flate.BestCompression - flate.HuffmanOnly + 1]sync.Pool

// deflate compresses with the standard library.
func deflate(t testing.TB, level int, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	pool := &writers[level-flate.HuffmanOnly]
	w, ok := pool.Get().(*flate.Writer)
	if ok {
		w.Reset(&b)
	} else {
		var err error
		if w, err = flate.NewWriter(&b, level); err != nil {
			t.Fatal(err)
		}
	}
	_, err := w.Write(data)
	if err = errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	pool.Put(w)
	return b.Bytes()
}

// standard decompresses with the standard library, and returns how much it consumed.
func standard(src []byte, limit int64) (out []byte, consumed int64, err error) {
	r := bytes.NewReader(src)
	out, err = io.ReadAll(io.LimitReader(flate.NewReader(r), limit))
	return out, int64(len(src) - r.Len()), err
}

// largest is the most bytes that text and noise return.
const largest = 1 << 20

// text returns compressible bytes, the same each time. No test changes them.
func text(n int) []byte { return allText()[:n:n] }

var allText = sync.OnceValue(func() []byte {
	words := strings.Fields("the of and to in a is that for it as was with be by on not he his but at are this have from or had an they which one you were all her she there would their we him been has when who will no more if out so up said what its about than into them can only other time new some could these two may first then do")
	r := rand.New(rand.NewPCG(1, 2))
	var b bytes.Buffer
	for b.Len() < largest {
		b.WriteString(words[r.IntN(len(words))])
		b.WriteByte(" \n,."[r.IntN(4)])
		if r.IntN(20) == 0 {
			fmt.Fprint(&b, r.Uint32())
		}
	}
	return b.Bytes()
})

// noise returns bytes that cannot be compressed, the same each time. No test changes them.
func noise(n int) []byte { return allNoise()[:n:n] }

var allNoise = sync.OnceValue(func() []byte {
	r := rand.New(rand.NewPCG(3, 4))
	b := make([]byte, largest)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
})
