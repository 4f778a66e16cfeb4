package workspace

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestMountsBelow(t *testing.T) {
	t.Parallel()
	if filepath.Separator != '/' {
		t.Skip("there is no such list here")
	}
	const info = `22 28 0:21 / /proc rw,nosuid - proc proc rw
28 1 254:0 / / rw,relatime - ext4 /dev/vda rw
40 28 0:40 / /ws rw - tmpfs tmpfs rw
41 40 0:41 / /ws/out/cache rw shared:1 - tmpfs tmpfs rw
42 40 0:42 / /ws/a\040b\134c rw - tmpfs tmpfs rw
43 28 0:43 / /wsx/out rw - tmpfs tmpfs rw
broken
`
	got, err := mountsBelow("/ws", strings.NewReader(info))
	if want := []string{"out/cache", `a b\c`}; err != nil || !slices.Equal(got, want) {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
}

func TestCheckMount(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		s    Stage
		name string
		err  string
	}{
		"none":        {Stage{base: "out"}, "cache/x", ""},
		"in it":       {Stage{base: "out", mounts: []string{"out/cache"}}, "cache/x", `"cache" is a separate mount`},
		"itself":      {Stage{base: "out", mounts: []string{"out/cache"}}, "cache", `"cache" is a separate mount`},
		"root":        {Stage{base: ".", mounts: []string{"out/cache"}}, "out/cache/d/x", `"out/cache" is a separate mount`},
		"prefix":      {Stage{base: "out", mounts: []string{"out/cache"}}, "cached/x", ""},
		"beside":      {Stage{base: "out", mounts: []string{"other/cache"}}, "cache/x", ""},
		"not there":   {Stage{base: "out", missing: []string{"cache"}, mounts: []string{"out/cache"}}, "x", ""},
		"of the base": {Stage{base: "out/cache", mounts: []string{"out/cache/deep"}}, "x", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := tt.s.CheckMount(tt.name)
			if tt.err == "" && err != nil || tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)) {
				t.Errorf("got %v, want %q", err, tt.err)
			}
		})
	}
}
