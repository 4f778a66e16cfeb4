package unpack

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// timed is a tar of entries as tarOf takes them, one after the other, each with the time
// of its number: 1,000,000,000 s after 1970, and as many ns more.
func timed(t testing.TB, entries ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for i, e := range entries {
		r := tar.NewReader(bytes.NewReader(tarOf(t, e)))
		h, err := r.Next()
		if err != nil {
			t.Fatal(err)
		}
		h.Format, h.ModTime = tar.FormatPAX, timeOf(i)
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := fmt.Fprint(w, e[:h.Size]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func timeOf(i int) time.Time { return time.Unix(1_000_000_000, int64(i)) }

// Members get their modification times, and directories get them last.
func TestTarTimes(t *testing.T) {
	t.Parallel()
	const recent = -1
	for name, tt := range map[string]struct {
		tars [][]string
		want map[string]int // by path: the number of the last tar's entry that has the same time
	}{
		"a file":                        {[][]string{{"a"}}, map[string]int{"a": 0}},
		"a file in a new directory":     {[][]string{{"d/a"}}, map[string]int{"d/a": 0, "d": recent}},
		"a directory, then its file":    {[][]string{{"d/", "d/a"}}, map[string]int{"d": 0, "d/a": 1}},
		"a file, then its directory":    {[][]string{{"d/a", "d/"}}, map[string]int{"d": 1}},
		"directories in directories":    {[][]string{{"d/", "d/e/", "d/e/f/", "d/e/f/a", "b/", "d/e/g/"}}, map[string]int{"d": 0, "d/e": 1, "d/e/f": 2, "b": 4, "d/e/g": 5}},
		"a symlink":                     {[][]string{{"d/", "d/l -> a", "d/a"}}, map[string]int{"d": 0, "d/l": 1, "d/a": 2}},
		"a hard link":                   {[][]string{{"d/", "d/a", "d/h => d/a"}}, map[string]int{"d": 0, "d/a": 1, "d/h": 1}},
		"the later file":                {[][]string{{"d/", "d/a", "d/a"}}, map[string]int{"d": 0, "d/a": 2}},
		"the later directory":           {[][]string{{"d/", "d/a", "d/"}}, map[string]int{"d": 2}},
		"a directory without rights":    {[][]string{{"0500 d/", "0500 d/e/", "d/e/a"}}, map[string]int{"d": 0, "d/e": 1, "d/e/a": 2}},
		"a directory of an earlier tar": {[][]string{{"d/", "d/a"}, {"d/", "d/b", "d/l -> b"}}, map[string]int{"d": 0, "d/b": 1, "d/l": 2}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			begin := time.Now().Add(-time.Hour)
			files := map[string][]byte{}
			for i, entries := range tt.tars {
				files[fmt.Sprintf("%d.tar", i)] = timed(t, entries...)
			}
			dir, _, err := expandFiles(t, files, TarOptions{})
			t.Cleanup(func() {
				_ = errors.Join(os.Chmod(filepath.Join(dir, "d"), 0o700), os.Chmod(filepath.Join(dir, "d/e"), 0o700))
			})
			if err != nil {
				t.Fatal(err)
			}
			for name, i := range tt.want {
				info, err := os.Lstat(filepath.Join(dir, name))
				switch {
				case err != nil:
					t.Error(err)
				case info.Mode()&fs.ModeSymlink != 0 && runtime.GOOS == "windows":
				case i == recent && info.ModTime().Before(begin), i != recent && info.ModTime().Truncate(100).Compare(timeOf(i).Truncate(100)) != 0:
					t.Errorf("%s: %v", name, info.ModTime())
				case runtime.GOOS == "linux" && i != recent && !info.ModTime().Equal(timeOf(i)):
					t.Errorf("%s: %v, not to the nanosecond", name, info.ModTime())
				}
			}
		})
	}
}

// Real tars have the times of their members: seconds in most formats.
func TestRecordedTimes(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"v7", "ustar", "oldgnu", "plain", "posix", "bsdtar"} {
		dir, _, err := expandFiles(t, map[string][]byte{"x.tar": recording(t, name)}, TarOptions{})
		if err != nil {
			t.Fatal(err)
		}
		run := "2001-09-09 01:46:40"
		if name == "posix" || name == "bsdtar" {
			run += ".123456789"
		}
		want := map[string]string{"a": "2001-09-09 01:46:40", "hard": "2001-09-09 01:46:40", "d": "2002-02-02 00:00:00", "d/run": run, "d/link": "2001-09-09 01:46:40"}
		got := map[string]string{}
		for name := range want {
			info, err := os.Lstat(filepath.Join(dir, name))
			if err != nil {
				t.Fatal(err)
			}
			got[name] = info.ModTime().UTC().Format("2006-01-02 15:04:05.999999999")
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// Times that no file system has are no reason to fail.
func TestOddTimes(t *testing.T) {
	t.Parallel()
	for name, want := range map[int64]int64{
		0: 0, -1: -1_000_000_000, 1 << 33: 1 << 33 * 1_000_000_000,
		math.MinInt64: math.MinInt64, math.MaxInt64: math.MaxInt64, 9_223_372_036: math.MaxInt64, -9_223_372_036: math.MinInt64,
		9_223_372_035: 9_223_372_035_000_000_000, 1 << 62: math.MaxInt64, -1 << 62: math.MinInt64,
	} {
		if got := sinceEpoch(time.Unix(name, 0)); got != want {
			t.Errorf("%d s: %d ns, want %d", name, got, want)
		}
	}
	for _, mtime := range []string{"-1.5", "99999999999999999", "-9223372036854775808", "0"} {
		data := append(pax(t, record("mtime", mtime)), rawTar(t, tar.TypeReg, 1, []byte("x"))...)
		if _, _, err := expandFiles(t, map[string][]byte{"x.tar": data}, TarOptions{}); err != nil {
			t.Errorf("%s: %v", mtime, err)
		}
	}
}

// What directories with times take in memory is little more than the parts of their
// names that differ.
// Not parallel: what others allocate would count.
func TestDirectoryTimesMemory(t *testing.T) {
	const entries = 100_000
	parent := strings.Repeat("long/", 40)
	name := func(i int) string { return fmt.Sprintf("%s%06d", parent, i) }
	before := heap()
	var d dirTimes
	for i := range entries {
		d.add(name(i), int64(i)<<40)
	}
	if took := heap() - before; took > entries*24 {
		t.Errorf("%d bytes for %d entries", took, entries)
	}
	i := 0
	err := d.each(func(got string, at int64) error {
		if got != name(i) || at != int64(i)<<40 {
			return fmt.Errorf("%d: %q, %d", i, got, at)
		}
		i++
		return nil
	})
	if err != nil || i != entries {
		t.Errorf("%d directories, %v", i, err)
	}
}

func TestDirectoryTimesAreBounded(t *testing.T) {
	t.Parallel()
	x := newExpander(nil, TarOptions{Pool: NewPool(1)})
	x.held = maxLinkMemory - 100
	at := int64(1)
	var err error
	for i := 0; err == nil && i < 100; i++ {
		err = x.time(&Entry{Name: fmt.Sprintf("directory %d", i), mtime: &at})
	}
	if refused, ok := errors.AsType[*RefusedError](err); !ok || !strings.Contains(refused.Reason, "directories and symlinks take more than") {
		t.Errorf("got %v", err)
	}
}
