package unpack

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

func TestAll(t *testing.T) {
	t.Parallel()
	entries := []lie{file("a"), dir("./"), dir("d/"), file("d/b"), file("c"), file("a")} // the first "a" is replaced
	for _, backwards := range []bool{false, true} {
		data := liar{entries: entries, backwards: backwards}.bytes()
		for _, files := range []func(string) bool{nil, func(name string) bool { return strings.HasPrefix(name, "d/") }} {
			a, err := Zip.Open(bytes.NewReader(data), int64(len(data)), Options{Files: files})
			if err != nil {
				t.Fatal(err)
			}
			n := 0
			err = a.All(func(e Entry, chosen bool) error {
				n++
				if want := files == nil || strings.HasPrefix(e.Name, "d"); chosen != want || e.Name == "" {
					return fmt.Errorf("%q is chosen: %v", e.Name, chosen)
				}
				return nil
			})
			if err != nil || n != 4 {
				t.Errorf("backwards %v: %d entries, %v", backwards, n, err)
			}
		}
	}
}
