package config

import (
	"fmt"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"
)

func TestParseSize(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]int64{
		"0": 0, "1": 1, "007": 7, "1048576": 1 << 20, "9223372036854775807": math.MaxInt64,
		"1B": 1, "1b": 1, "5 B": 5,
		"1kB": 1000, "1KB": 1000, "500MB": 500e6, "3GB": 3e9, "2TB": 2e12,
		"1KiB": 1024, "1kib": 1024, "2GiB": 2 << 30, "2 GiB": 2 << 30, "4TiB": 4 << 40,
		"1.5GiB": 3 << 29, "0.1kB": 100, "0.0001kB": 0, "1.9B": 1,
		"8388607TiB": 8388607 << 40, "0.000000000000000000000000000001B": 0,
	} {
		if got, err := parseSize(in); err != nil || got != want {
			t.Errorf("%q: got %d, %v; want %d", in, got, err, want)
		}
	}
	for in, want := range map[string]string{
		"x": "is not a size", "B": "is not a size", "-1": "is not a size", "+1": "is not a size", "1.": "is not a size", ".5": "is not a size",
		"1.2.3": "is not a size", "1e3": "has an unknown unit", "1/2": "has an unknown unit", "1_000": "has an unknown unit", "1,000": "has an unknown unit",
		"1PB": "has an unknown unit", "1GiBB": "has an unknown unit", "1 G iB": "has an unknown unit", "0x10": "has an unknown unit",
		"1K": "could mean KB (powers of 1000) or KiB (powers of 1024)", "1m": "could mean mB (powers of 1000) or miB (powers of 1024)",
		"9223372036854775808": "is too large", "8388608TiB": "is too large", strings.Repeat("9", 32): "is too large", strings.Repeat("9", 33): "is not a size",
	} {
		if got, err := parseSize(in); err == nil || err.Error() != want {
			t.Errorf("%q: got %d, %v; want %q", in, got, err, want)
		}
	}
}

func TestParseDuration(t *testing.T) {
	t.Parallel()
	day := 24 * time.Hour
	for in, want := range map[string]time.Duration{
		"0": 0, "0s": 0, "500ms": 500 * time.Millisecond, "90s": 90 * time.Second, "10m": 10 * time.Minute, "12h": 12 * time.Hour,
		"30d": 30 * day, "2w": 14 * day, "1d12h": 36 * time.Hour, "1w2d3h4m5s6ms": 9*day + 3*time.Hour + 4*time.Minute + 5*time.Second + 6*time.Millisecond,
		"1.5h": 90 * time.Minute, "0.5d": 12 * time.Hour, "12h1d": 36 * time.Hour, "1h1h": 2 * time.Hour, "1h1m30s": time.Hour + 90*time.Second,
		"106751d": 106751 * day,
	} {
		if got, err := parseDuration(in); err != nil || got != want {
			t.Errorf("%q: got %v, %v; want %v", in, got, err, want)
		}
	}
	for in, want := range map[string]string{
		"10": "lacks a unit", "1h30": "lacks a unit", "h": "is not a duration", "soon": "is not a duration", "-1h": "is not a duration", "+1h": "is not a duration",
		"1.h": "is not a duration", ".5h": "is not a duration", "1.2.3h": "is not a duration", "1y": `has the unknown unit "y"`, "1D": `has the unknown unit "D"`,
		"1d 12h": `has the unknown unit "d "`, "10 m": `has the unknown unit " m"`, "1min": `has the unknown unit "min"`, "1h-5m": `has the unknown unit "h-"`,
		"106752d": "is too long", "106751d1d": "is too long", "99999999999999999999w": "is too long", strings.Repeat("1", 33) + "s": "is not a duration",
	} {
		if got, err := parseDuration(in); err == nil || err.Error() != want {
			t.Errorf("%q: got %v, %v; want %q", in, got, err, want)
		}
	}
}

// The oracle for both is arithmetic on the parts in floating point: close,
// for values where that is exact enough.
func FuzzSize(f *testing.F) {
	for _, seed := range []string{"0", "1", "2GiB", "500MB", "1.5 KiB", "9223372036854775807", "9223372036854775808", "1e9", "1G", "..", "1 B"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, v string) {
		n, err := parseSize(v)
		if err != nil {
			if n != 0 {
				t.Errorf("%q: %d with an error", v, n)
			}
			return
		}
		if n < 0 {
			t.Fatalf("%q: %d", v, n)
		}
		if again, err := parseSize(strconv.FormatInt(n, 10)); err != nil || again != n {
			t.Errorf("%q: %d reads back as %d, %v", v, n, again, err)
		}
		number := strings.TrimRight(strings.ToLower(v), "kmgtib ")
		float, _, err := new(big.Float).Parse(strings.TrimSpace(number), 10)
		if err != nil {
			t.Fatalf("%q: accepted, but %q is no number", v, number)
		}
		unit := strings.TrimSpace(strings.ToLower(v)[len(number):])
		power := strings.IndexByte("kmgt", (unit + "b")[0]) + 1
		base := 1000.0
		if strings.Contains(unit, "i") {
			base = 1024
		}
		whole, _ := float.Float64()
		if want := whole * math.Pow(base, float64(power)); math.Abs(want-float64(n)) > 1+want*1e-9 {
			t.Errorf("%q: got %d, want about %g", v, n, want)
		}
	})
}

// What is accepted reads back the same as sha256sum prints it.
func FuzzDigest(f *testing.F) {
	digits := strings.Repeat("0aF9", 16)
	for _, seed := range []string{digits, "sha256:" + digits, digits + "  dist", digits + " *a b", digits + "\t*", "sha512:" + digits, digits + "  \x00", "\\" + digits + "  a\\\\b"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, v string) {
		d, err := parseDigest(strings.TrimSpace(v))
		if err != nil {
			if d != (ExpectedDigest{}) {
				t.Errorf("%q: %v with an error", v, d)
			}
			return
		}
		if !strings.Contains(strings.ToLower(v), d.SHA256) || !strings.HasSuffix(strings.TrimSpace(v), d.Artifact) {
			t.Errorf("%q: %q", v, d)
		}
		line := d.SHA256
		if d.Artifact != "" {
			line += "  " + d.Artifact
		}
		if again, err := parseDigest(line); err != nil || again != d {
			t.Errorf("%q reads back as %q, %v", line, again, err)
		}
	})
}

func FuzzDuration(f *testing.F) {
	for _, seed := range []string{"0", "12h", "30d", "2w", "1d12h", "1.5h", "10", "1h1", "99999999w", "1us", "-1h"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, v string) {
		d, err := parseDuration(v)
		if err != nil {
			if d != 0 {
				t.Errorf("%q: %v with an error", v, d)
			}
			// What the standard library takes is taken too, except signs,
			// units too short to wait for, and bare points.
			std, stdErr := time.ParseDuration(v)
			if stdErr == nil && std >= 0 && len(v) <= 32 && !strings.ContainsAny(v, "+-nuµμ") && !strings.Contains("s"+v, "s.") && !hasBarePoint(v) {
				t.Errorf("%q: %v, but the standard library has %v", v, err, std)
			}
			return
		}
		if d < 0 {
			t.Fatalf("%q: %v", v, d)
		}
		if std, err := time.ParseDuration(v); err == nil && (std-d).Abs() > 10 {
			t.Errorf("%q: got %v, the standard library has %v", v, d, std)
		}
	})
}

func hasBarePoint(v string) bool {
	for i, r := range v {
		if r == '.' && (i == 0 || i == len(v)-1 || !isDigit(v[i-1]) || !isDigit(v[i+1])) {
			return true
		}
	}
	return false
}

func isDigit(b byte) bool { return '0' <= b && b <= '9' }

func FuzzLists(f *testing.F) {
	for _, seed := range []string{"a", "a\nb", " a ,b\r\n\n,a", ",", "\n", "a\u2028b"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, v string) {
		byLine, err := eachLine(parseAnything, exactly)(v)
		checkList(t, v, byLine, err, "\r\n")
		byItem, err := eachItem(parseAnything, exactly)(v)
		checkList(t, v, byItem, err, "\r\n,")
		if again, err := eachLine(parseAnything, exactly)(strings.Join(byLine, "\n")); len(byLine) > 0 && (err != nil || !slices.Equal(again, byLine)) {
			t.Errorf("%q: %q reads back as %q, %v", v, byLine, again, err)
		}
	})
}

func checkList(t *testing.T, v string, list []string, err error, separators string) {
	t.Helper()
	if (err != nil) != (len(list) == 0) {
		t.Errorf("%q: got %q, %v", v, list, err)
	}
	for i, item := range list {
		if item == "" || item != strings.TrimSpace(item) || strings.ContainsAny(item, separators) || slices.Contains(list[:i], item) {
			t.Errorf("%q: item %q in %q", v, item, list)
		}
		if !strings.Contains(v, item) {
			t.Errorf("%q: item %q is made up", v, item)
		}
	}
	isBlank := func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune(separators, r) }
	if err != nil && strings.TrimFunc(v, isBlank) != "" {
		t.Errorf("%q: nothing was found in it", v)
	}
}

// Nothing a stranger's workflow passes on may panic, and what is accepted
// holds what its field promises.
func FuzzInputs(f *testing.F) {
	for i := range table {
		for _, v := range []string{"a", "1", "true", "a/b", "1/2", "!a*", "https://h", "refs/heads/x", "(?=a)", "any", "-----BEGIN CERTIFICATE-----\n"} {
			f.Add(i, v)
		}
	}
	f.Fuzz(func(t *testing.T, i int, v string) {
		if i < 0 || i >= len(table) || strings.TrimSpace(v) != v || v == "" {
			t.Skip()
		}
		in := &table[i]
		var c Config
		if err := in.set(&c, v); err != nil {
			return
		}
		for _, s := range slices.Concat(c.Branches, c.Events, c.Conclusions, []string{fmt.Sprint(c.Repositories), c.Commit, c.Actor, c.Ref, string(c.Token), c.AppID, c.Path, c.Workflow}) {
			if strings.ContainsAny(s, "\r\n\x00\x1b") {
				t.Errorf("%s accepts %q", in.Name, s)
			}
		}
		if c.APIURL != nil && (c.APIURL.Host == "" || strings.HasSuffix(c.APIURL.String(), "/")) {
			t.Errorf("%s makes %s of %q", in.Name, c.APIURL, v)
		}
		if !in.same(v, v) {
			t.Errorf("%s: %q is not the same as itself", in.Name, v)
		}
	})
}
