package unpack

import (
	"bytes"
	"testing"
)

// Copy writes the content of the entry chosen, wherever the end record lies, and fails if
// its CRC-32 is wrong.
func TestCopy(t *testing.T) {
	t.Parallel()
	data := liar{entries: []lie{file("a"), file("b"), with(file("c"), func(e *lie) { e.crc = 1 })}, comment: string(bytes.Repeat([]byte("x"), 500))}.bytes()
	for _, tail := range []int64{0, 22, 100, 600, 1 << 20} {
		for name, want := range map[string]string{"a": "content of a", "b": "content of b", "c": ""} {
			a, err := Zip.Open(bytes.NewReader(data), int64(len(data)), Options{Files: func(n string) bool { return n == name }, Tail: tail})
			if err != nil {
				t.Fatal(err)
			}
			var got bytes.Buffer
			err = a.Copy(t.Context(), &got, ExtractOptions{})
			if (err != nil) != (want == "") || err == nil && got.String() != want {
				t.Errorf("tail %d, %s: %q, %v", tail, name, &got, err)
			}
		}
	}
}
