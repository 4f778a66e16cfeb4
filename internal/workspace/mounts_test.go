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
44 40 0:44 / /ws/ro ro,relatime - tmpfs tmpfs rw
45 40 0:45 / /ws/cd rw,relatime - iso9660 /dev/cd ro,nojoliet
41 40 0:41 / /ws/out/cache rw shared:1 - tmpfs tmpfs rw
42 40 0:42 / /ws/a\040b\134c rw - tmpfs tmpfs rw
43 28 0:43 / /wsx/out rw - tmpfs tmpfs rw
broken
`
	got, err := mountsBelow("/ws", strings.NewReader(info))
	if want := []mountPoint{{at: "ro", readOnly: true}, {at: "cd", readOnly: true}, {at: "out/cache"}, {at: `a b\c`}}; err != nil || !slices.Equal(got, want) {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
}

// Only files that a mount does not let be replaced or made are refused.
func TestCheckMount(t *testing.T) {
	t.Parallel()
	list := []mountPoint{{at: "out/cache"}, {at: "out/ro", readOnly: true}, {at: "out/ro/rw"}, {at: "out/conf", file: true}}
	tests := map[string]struct {
		s    Stage
		name string
		err  string
	}{
		"none":             {Stage{base: "out"}, "ro/x", ""},
		"writable":         {Stage{base: "out", mounts: list}, "cache/x", ""},
		"read-only":        {Stage{base: "out", mounts: list}, "ro/d/x", `"ro" is a separate mount that is read-only`},
		"itself":           {Stage{base: "out", mounts: list}, "ro", `"ro" is a separate mount that is read-only`},
		"writable in it":   {Stage{base: "out", mounts: list}, "ro/rw/x", ""},
		"root":             {Stage{base: ".", mounts: list}, "out/ro/x", `"out/ro" is a separate mount that is read-only`},
		"a file":           {Stage{base: "out", mounts: list}, "conf", `"conf" is a file that is a mount of its own`},
		"beside a file":    {Stage{base: "out", mounts: list}, "config", ""},
		"prefix":           {Stage{base: "out", mounts: list}, "rows/x", ""},
		"beside":           {Stage{base: "other", mounts: list}, "ro/x", ""},
		"not there":        {Stage{base: "out", missing: []string{"ro"}, mounts: list}, "x", ""},
		"remounted":        {Stage{base: ".", mounts: []mountPoint{{at: "m", readOnly: true}, {at: "m"}}}, "m/x", ""},
		"remounted, again": {Stage{base: ".", mounts: []mountPoint{{at: "m"}, {at: "m", readOnly: true}}}, "m/x", "read-only"},
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
