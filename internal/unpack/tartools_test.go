//go:build producers

package unpack

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/artifetch/artifetch/internal/testdir"
)

// runTool runs a program in a directory.
func runTool(t *testing.T, dir, name string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "LC_ALL=C.UTF-8")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s %q: %v\n%s", name, args, err, out)
	}
}

// plant makes a tree at random below dir: files of several sizes, modes and times, hard
// links, symlinks, a file with a hole, directories that are empty, deep or read-only.
// Names are longer than a header's field where long is true.
func plant(t *testing.T, dir string, seed uint64, long bool) {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 18))
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	parts := []string{"a", ".hidden", "with space", "naïve", "日本語", "-dash", "e\u0301"}
	if long {
		parts = append(parts, strings.Repeat("long", 40))
	}
	name := func() string { return fmt.Sprint(parts[r.IntN(len(parts))], r.IntN(1000)) }
	dirs, files, links := []string{dir}, []string{}, []string{}
	for range 12 {
		d := filepath.Join(dirs[r.IntN(len(dirs))], name())
		if !long && len(d)-len(dir) > 60 {
			continue
		}
		must(os.MkdirAll(d, 0o755))
		dirs = append(dirs, d)
	}
	for range 40 {
		at := filepath.Join(dirs[r.IntN(len(dirs))], name())
		if _, err := os.Lstat(at); err == nil {
			continue
		}
		switch kind := r.IntN(6); {
		case kind == 0 && len(files) > 0:
			must(os.Link(files[r.IntN(len(files))], at))
		case kind == 1 && len(files) > 0:
			target, err := filepath.Rel(filepath.Dir(at), files[r.IntN(len(files))])
			must(err)
			if !long && len(target) > 100 {
				continue
			}
			must(os.Symlink(target, at))
			links = append(links, at)
		default:
			body := make([]byte, []int{0, 1, 511, 512, 513, 10_240, 300_000}[r.IntN(7)])
			for i := range body {
				body[i] = byte('a' + r.IntN(3))
			}
			must(os.WriteFile(at, body, 0o600))
			must(os.Chmod(at, []os.FileMode{0o644, 0o755, 0o400, 0o600, 0o666 | os.ModeSetuid}[r.IntN(5)]))
			files = append(files, at)
		}
	}
	hole := filepath.Join(dir, "hole")
	must(os.WriteFile(hole, []byte("begin"), 0o600))
	must(os.Truncate(hole, 3<<20))
	for _, at := range append(append(files, hole), links...) {
		setTestTime(t, at, r)
	}
	for i := range dirs[1:] {
		at := dirs[len(dirs)-1-i]
		must(os.Chmod(at, []os.FileMode{0o755, 0o700, 0o777, 0o555}[r.IntN(4)]))
		setTestTime(t, at, r)
	}
}

// setTestTime gives a file, directory or symlink a time between 1970 and 2036.
func setTestTime(t *testing.T, at string, r *rand.Rand) {
	t.Helper()
	ts := unix.NsecToTimespec(r.Int64N(66 * 365 * 24 * int64(time.Hour)))
	if err := unix.UtimesNanoAt(unix.AT_FDCWD, at, []unix.Timespec{ts, ts}, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		t.Fatal(err)
	}
}

// census lists the tree below dir with everything that a tar keeps: modes, times, contents,
// targets, and which names are hard links to the same file.
func census(t *testing.T, dir string) map[string]string {
	t.Helper()
	list, first := map[string]string{}, map[uint64]string{}
	err := filepath.WalkDir(dir, func(at string, d fs.DirEntry, err error) error {
		if err != nil || at == dir {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		name, _ := filepath.Rel(dir, at)
		line := fmt.Sprint(info.Mode(), " ", info.ModTime().UTC().Format(time.RFC3339Nano))
		switch {
		case d.Type() == fs.ModeSymlink:
			target, err := os.Readlink(at)
			list[name] = line + " -> " + target
			return err
		case d.Type().IsRegular():
			data, err := os.ReadFile(at)
			if err != nil {
				return err
			}
			var s unix.Stat_t
			if err := unix.Lstat(at, &s); err != nil {
				return err
			}
			if first[s.Ino] == "" {
				first[s.Ino] = name
			}
			line += fmt.Sprintf(" %d %x of %s", len(data), sha256.Sum256(data), first[s.Ino])
		}
		list[name] = line
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// Tars of many programs are expanded as GNU tar extracts them: modes, times, contents and
// links.
func TestAgainstTar(t *testing.T) {
	t.Parallel()
	const python = `import sys, tarfile
with tarfile.open(sys.argv[1], "w:" + sys.argv[3], format=int(sys.argv[4])) as t: t.add(sys.argv[2], ".")`
	gnu := func(args ...string) []string {
		return append([]string{"tar", "-C", "TREE", "-cf", "OUT"}, append(args, ".")...)
	}
	bsd := func(args ...string) []string {
		return append([]string{"bsdtar", "-C", "TREE", "-cf", "OUT"}, append(args, ".")...)
	}
	for name, tt := range map[string]struct {
		make  []string // the program and its arguments
		short bool     // its format has no long names
	}{
		"GNU tar, gnu":           {make: gnu("--format=gnu")},
		"GNU tar, oldgnu":        {make: gnu("--format=oldgnu")},
		"GNU tar, posix":         {make: gnu("--format=posix")},
		"GNU tar, ustar":         {make: gnu("--format=ustar"), short: true},
		"GNU tar, v7":            {make: gnu("--format=v7"), short: true},
		"GNU tar, sparse":        {make: gnu("--format=gnu", "-S")},
		"GNU tar, sparse 0.0":    {make: gnu("--format=posix", "-S", "--sparse-version=0.0")},
		"GNU tar, sparse 0.1":    {make: gnu("--format=posix", "-S", "--sparse-version=0.1")},
		"GNU tar, sparse 1.0":    {make: gnu("--format=posix", "-S", "--sparse-version=1.0")},
		"GNU tar, large records": {make: gnu("-b", "1024")},
		"GNU tar, label":         {make: gnu("-V", "a label")},
		"GNU tar, incremental":   {make: gnu("--listed-incremental=OUT.snar")},
		"GNU tar -z":             {make: gnu("-z")},
		"GNU tar -j":             {make: gnu("-j")},
		"GNU tar -J":             {make: gnu("-J")},
		"GNU tar --zstd":         {make: gnu("--zstd")},
		"GNU tar, xz -9e":        {make: gnu("-Ixz -9e")},
		"GNU tar, xz -0 -T4":     {make: gnu("-Ixz -0 -T4 --block-size=65536")},
		"GNU tar, zstd -19":      {make: gnu("-Izstd -19")},
		"GNU tar, bzip2 -1":      {make: gnu("-Ibzip2 -1")},
		"bsdtar, pax":            {make: bsd("--format=pax")},
		"bsdtar, restricted pax": {make: bsd("--format=paxr")},
		"bsdtar, gnutar":         {make: bsd("--format=gnutar")},
		"bsdtar, ustar":          {make: bsd("--format=ustar"), short: true},
		"bsdtar -z":              {make: bsd("-z")},
		"bsdtar -j":              {make: bsd("-j")},
		"bsdtar -J":              {make: bsd("-J")},
		"bsdtar --zstd":          {make: bsd("--zstd")},
		"Python, ustar":          {make: []string{"python3", "-c", python, "OUT", "TREE", "", "0"}, short: true},
		"Python, GNU, bz2":       {make: []string{"python3", "-c", python, "OUT", "TREE", "bz2", "1"}},
		"Python, PAX, xz":        {make: []string{"python3", "-c", python, "OUT", "TREE", "xz", "2"}},
		"Python, PAX, gz":        {make: []string{"python3", "-c", python, "OUT", "TREE", "gz", "2"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tmp := testdir.InMemory(t)
			for seed := range uint64(2) {
				at := filepath.Join(tmp, fmt.Sprint(seed))
				source, out, theirs := filepath.Join(at, "source"), filepath.Join(at, "made.tar"), filepath.Join(at, "theirs")
				for _, dir := range []string{source, theirs} {
					if err := os.MkdirAll(dir, 0o755); err != nil {
						t.Fatal(err)
					}
				}
				plant(t, source, seed, !tt.short)
				args := strings.Split(strings.NewReplacer("TREE", source, "OUT", out).Replace(strings.Join(tt.make, "\x00")), "\x00")
				runTool(t, at, args[0], args[1:]...)
				runTool(t, at, "tar", "-xf", out, "-C", theirs, "--no-same-owner", "--no-same-permissions", "--delay-directory-restore")
				data, err := os.ReadFile(out)
				if err != nil {
					t.Fatal(err)
				}
				ours, _, err := expandFiles(t, map[string][]byte{"made.tar": data}, TarOptions{})
				if err != nil {
					t.Fatal(err)
				}
				want, got := census(t, theirs), census(t, ours)
				if diff := cmp.Diff(want, got); diff != "" || len(got) < 20 {
					t.Errorf("seed %d: tar and we:\n%s", seed, diff)
				}
			}
		})
	}
}
