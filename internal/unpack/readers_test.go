//go:build producers

package unpack

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/artifetch/artifetch/internal/testdir"
)

// stricter are archives that unzip and Python's zipfile extract, and that are refused
// here: as a rule because they write elsewhere than below the destination, or were
// made to mislead.
var stricter = []string{
	"NUL", "Unicode Path, NUL", "file named dot", "drive", "drive, slash", "too deep", "parent", "parent at the end", "parent in the middle", "parent that stays inside",
	"FAT, drive", "FAT, up in the middle", "NTFS, up", "Unicode Path, up", "backslash", "backslash parent", "backslash, OS/2",
	"character device", "device", "directory, device",
	"overlap, into next", "into the directory", "one byte too far", "end that overflows", "larger than any disk", "sum that overflows",
	"less than declared", "bzip2, less", "masked directory",
	"symlink NUL", "symlink absolute", "symlink backslash", "symlink backslash, drive", "symlink backslash, first", "symlink backslash, mixed",
	"symlink chain", "symlink chain, other way", "symlink drive", "symlink loop, then up", "symlink out", "symlink out, deep",
}

// otherNames are archives from which unzip extracts the same files under other names, or
// with an execute bit that the archive does not have. unzip decodes names from DOS by the
// terminal's code page, and keeps backslashes of NTFS.
var otherNames = []string{
	"odd names", "Code Page 437", "Code Page 437, Unix", "UTF-8 without the flag", "Unicode Path, and the flag",
	"backslashes, FAT", "backslashes, NTFS", "backslashes, VFAT", "directory, no slash", "no slash, content",
}

const pythonReader = `
import json, sys, warnings, zipfile
warnings.simplefilter("error")
complaints = {}
for line in sys.stdin:
    name = line.rstrip("\n")
    try:
        with zipfile.ZipFile(name + ".zip") as z:
            z.extractall(name + ".python")
        complaints[name] = ""
    except Exception as e:
        complaints[name] = repr(e)
json.dump(complaints, sys.stdout)
`

// Archives that unzip and Python's zipfile both extract without a complaint are extracted to
// the same tree here. Symlinks are compared with unzip's: zipfile makes files of them.
func TestAgainstOtherReaders(t *testing.T) {
	t.Parallel()
	zips := map[string][]byte{}
	for name, tt := range join(refusals, oddRefusals) {
		zips[name] = tt.zip.bytes()
	}
	for name, tt := range join(extractions, oddities) {
		zips[name] = tt.zip.bytes()
	}
	tmp := testdir.InMemory(t)
	var list bytes.Buffer
	names := slices.Sorted(maps.Keys(zips))
	for i, name := range names {
		at := filepath.Join(tmp, fmt.Sprint(i))
		if len(zips[name]) > 1<<20 {
			continue // it is about numbers
		}
		if err := os.WriteFile(at+".zip", zips[name], 0o600); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintln(&list, at)
	}
	python := exec.CommandContext(t.Context(), "python3", "-c", pythonReader)
	python.Stdin, python.Stderr = &list, os.Stderr
	out, err := python.Output()
	if err != nil {
		t.Fatal(err)
	}
	var complaints map[string]string
	if err := json.Unmarshal(out, &complaints); err != nil {
		t.Fatal(err)
	}
	both := 0
	for i, name := range names {
		at := filepath.Join(tmp, fmt.Sprint(i))
		if complaint, ok := complaints[at]; !ok || complaint != "" {
			continue
		}
		unzip := exec.CommandContext(t.Context(), "unzip", "-qq", at+".zip", "-d", at+".unzip")
		unzip.Env = append(os.Environ(), "LC_ALL=C.UTF-8")
		if said, err := unzip.CombinedOutput(); err != nil || len(said) > 0 {
			continue
		}
		both++
		if err := extract(t, zips[name], at+".ours", NewBudget(0, 0)); err != nil {
			if !slices.Contains(stricter, name) {
				t.Errorf("%s: both others extract it: %v", name, err)
			}
			continue
		}
		if slices.Contains(stricter, name) {
			t.Errorf("%s is not refused", name)
		}
		got, want := tree(t, at+".ours"), tree(t, at+".unzip")
		slices.Sort(got)
		slices.Sort(want)
		if diff := cmp.Diff(want, got); (diff != "") != slices.Contains(otherNames, name) {
			t.Errorf("%s: unzip and we:\n%s", name, diff)
		}
	}
	t.Logf("%d of %d archives are extracted by both others", both, len(names))
}
