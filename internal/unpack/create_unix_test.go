//go:build unix

package unpack

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"testing"

	"golang.org/x/sys/unix"
)

// limited marks the process that a test starts for itself, to run in with few
// descriptors.
const limited = "UNPACK_TEST_LIMITED"

// Directories are kept open only as long as there are descriptors.
func TestFewDescriptors(t *testing.T) {
	t.Parallel()
	if os.Getenv(limited) == "" {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestFewDescriptors$", "-test.count=1") //nolint:gosec // this test itself
		cmd.Env = append(os.Environ(), limited+"=1")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return
	}
	var z liar
	for i := range 300 {
		z.entries = append(z.entries, file(fmt.Sprintf("d%d/f", i)))
	}
	data := z.bytes()
	a, root := opened(t, bytes.NewReader(data), int64(len(data)))
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 40, Max: 40}); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		dirs := openDirs{root: root}
		if err := a.makeDirs(t.Context(), root); err != nil {
			t.Fatal(err)
		}
		for i := range a.Entries {
			f, err := dirs.create(a.Entries[i].Name, 0o600)
			if err != nil {
				t.Fatal(err)
			}
			if err := f.Close(); err != nil {
				t.Fatal(err)
			}
		}
		if err := dirs.close(); err != nil {
			t.Error(err)
		}
		for i := range a.Entries {
			if err := root.RemoveAll(fmt.Sprintf("d%d", i)); err != nil {
				t.Fatal(err)
			}
		}
	}
}
