package config

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/artifetch/artifetch/internal/artifact"
)

// Parsers are given values that are not empty and have no blanks around them. The
// texts of their errors follow the quoted value in a message.

const autoConcurrency = "auto"

// itemError is a problem with one item of a list.
type itemError struct {
	item string
	err  error
}

func (e *itemError) Error() string { return quote(e.item) + " " + e.err.Error() }
func (e *itemError) Unwrap() error { return e.err }

// eachLine parses a list with one item a line, eachItem a list whose items may also be
// separated by commas. Of items with equal keys the first counts. If key is nil, all count.
func eachLine[T any](parse func(string) (T, error), key func(T) any) func(string) ([]T, error) {
	return eachOf(lines, parse, key)
}

func eachItem[T any](parse func(string) (T, error), key func(T) any) func(string) ([]T, error) {
	return eachOf(linesAndCommas, parse, key)
}

func eachOf[T any](split func(string) []string, parse func(string) (T, error), key func(T) any) func(string) ([]T, error) {
	return func(v string) ([]T, error) {
		var list []T
		var errs []error
		seen := map[any]bool{}
		for _, item := range split(v) {
			t, err := parse(item)
			switch {
			case err != nil:
				errs = append(errs, &itemError{item, err})
			case key == nil:
				list = append(list, t)
			case !seen[key(t)]:
				seen[key(t)] = true
				list = append(list, t)
			}
		}
		if len(list)+len(errs) == 0 {
			return nil, errors.New("is an empty list")
		}
		return list, errors.Join(errs...)
	}
}

func exactly[T any](t T) any     { return t }
func folded(r artifact.Repo) any { return r.Fold() }
func isBreak(r rune) bool        { return r == '\n' || r == '\r' }
func isSeparator(r rune) bool    { return isBreak(r) || r == ',' }

func lines(v string) []string          { return fields(v, isBreak) }
func linesAndCommas(v string) []string { return fields(v, isSeparator) }

func fields(v string, separates func(rune) bool) []string {
	items := strings.FieldsFunc(v, separates)
	for i := range items {
		items[i] = strings.TrimSpace(items[i])
	}
	return slices.DeleteFunc(items, func(s string) bool { return s == "" })
}

// parseLine parses any text on one line.
func parseLine(v string) (string, error) {
	switch {
	case strings.ContainsFunc(v, isBreak):
		return "", errors.New("has several lines")
	case strings.ContainsFunc(v, unicode.IsControl):
		return "", errors.New("holds a control character")
	}
	return v, nil
}

// maxPath is the length of the longest path on Linux, in bytes.
const maxPath = 4096

func parsePath(v string) (string, error) {
	if len(v) > maxPath {
		return "", fmt.Errorf("is longer than a path may be, %d bytes", maxPath)
	}
	return parseLine(v)
}

func parseAnything(v string) (string, error) { return v, nil }

// checked returns a setter that only checks the value.
func checked[T any](parse func(string) (T, error)) func(*Config, string) error {
	return func(_ *Config, v string) error {
		_, err := parse(v)
		return err
	}
}

// parseBool parses a boolean of the YAML 1.2 core schema.
func parseBool(v string) (bool, error) {
	switch v {
	case "true", "True", "TRUE":
		return true, nil
	case "false", "False", "FALSE":
		return false, nil
	}
	return false, errors.New("is not a boolean")
}

// setSkipUnpack parses skip_unpack, which sets two fields.
func setSkipUnpack(c *Config, v string) error {
	skip, err := parseBool(v)
	if err == nil {
		c.SkipDecompress, c.SkipUnpack = skip, skip
	}
	return err
}

func oneOf[T ~string](choices ...T) func(string) (T, error) {
	return func(v string) (T, error) {
		names := make([]string, len(choices))
		for i, c := range choices {
			if v == string(c) {
				return c, nil
			}
			names[i] = string(c)
		}
		return "", errors.New("is none of the choices" + didYouMean(v, names))
	}
}

// parseID parses an id: a number from 1 to 2⁶³-1.
func parseID(v string) (int64, error) {
	n, err := strconv.ParseUint(v, 10, 63)
	switch {
	case errors.Is(err, strconv.ErrRange):
		return 0, errors.New("is too large")
	case err != nil || n == 0:
		return 0, errors.New("is not a whole number from 1")
	}
	return int64(n), nil
}

func parseCount(v string) (int, error) {
	n, err := parseID(v)
	if err == nil && n > math.MaxInt32 {
		return 0, errors.New("is too large")
	}
	return int(n), err
}

func parseConcurrency(v string) (int, error) {
	if v == autoConcurrency {
		return 0, nil
	}
	n, err := parseCount(v)
	if err == nil && n > 100 {
		// GitHub allows 100 requests at once.
		return 0, errors.New("is too large")
	}
	return n, err
}

// currentRun stands for the current run in run-id.
const currentRun = "current"

// setRunIDs parses run-id, which may also name the current run.
func setRunIDs(c *Config, v string) error {
	const current = 0 // not an id
	refs, err := eachItem(func(item string) (named, error) {
		if item == currentRun {
			return named{id: current}, nil
		}
		return parseRun(item)
	}, byAddress)(v)
	if err != nil {
		return err
	}
	isCurrent := func(r named) bool { return r.id == current }
	c.RunCurrent = slices.ContainsFunc(refs, isCurrent)
	c.runs = slices.DeleteFunc(refs, isCurrent)
	c.RunIDs = ids(c.runs)
	return nil
}

// setArtifactIDs parses artifact-ids.
func setArtifactIDs(c *Config, v string) error {
	refs, err := eachItem(parseArtifact, byAddress)(v)
	if err == nil {
		c.artifacts, c.ArtifactIDs = refs, ids(refs)
	}
	return err
}

func parseShard(v string) (Shard, error) {
	index, count, ok := strings.Cut(v, "/")
	i, err1 := parseCount(strings.TrimSpace(index))
	n, err2 := parseCount(strings.TrimSpace(count))
	switch {
	case !ok || err1 != nil || err2 != nil:
		return Shard{}, errors.New("is not i/n, counted from 1")
	case i > n:
		return Shard{}, fmt.Errorf("names share %d of only %d", i, n)
	}
	return Shard{Index: i, Count: n}, nil
}

// sizeUnits are the prefixes of the SI and of IEC 80000-13, in bytes. A bare K, M or
// G is refused: it may mean either.
var sizeUnits = map[string]int64{
	"": 1, "b": 1,
	"kb": 1e3, "mb": 1e6, "gb": 1e9, "tb": 1e12,
	"kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30, "tib": 1 << 40,
}

// parseSize parses a size in bytes: digits, optionally a decimal point, and a unit
// in any case. A fraction of a byte is dropped.
func parseSize(v string) (int64, error) {
	number, unit := v, ""
	if i := strings.IndexFunc(v, func(r rune) bool { return !isNumeral(r) }); i >= 0 {
		number, unit = v[:i], strings.TrimLeft(v[i:], " ")
	}
	if !isNumber(number) {
		return 0, errors.New("is not a size")
	}
	factor, ok := sizeUnits[strings.ToLower(unit)]
	if !ok {
		if _, ok := sizeUnits[strings.ToLower(unit)+"ib"]; ok {
			return 0, fmt.Errorf("could mean %[1]sB (powers of 1000) or %[1]siB (powers of 1024)", unit)
		}
		return 0, errors.New("has an unknown unit")
	}
	r, ok := new(big.Rat).SetString(number)
	if !ok {
		return 0, errors.New("is not a size")
	}
	r.Mul(r, new(big.Rat).SetInt64(factor))
	n := new(big.Int).Quo(r.Num(), r.Denom())
	if !n.IsInt64() {
		return 0, errors.New("is too large")
	}
	return n.Int64(), nil
}

func parsePositiveSize(v string) (int64, error) {
	n, err := parseSize(v)
	if err == nil && n == 0 {
		return 0, errors.New("must be greater than 0")
	}
	return n, err
}

// durationUnits are the units of time.ParseDuration from milliseconds up, and days
// of 24 hours and weeks of 7 days.
var durationUnits = map[string]time.Duration{
	"ms": time.Millisecond, "s": time.Second, "m": time.Minute, "h": time.Hour,
	"d": 24 * time.Hour, "w": 7 * 24 * time.Hour,
}

// parseDuration parses a sum of numbers with units, or a bare 0.
func parseDuration(v string) (time.Duration, error) {
	if v == "0" {
		return 0, nil
	}
	total := new(big.Rat)
	for rest := v; rest != ""; {
		number := leading(rest, isNumeral)
		rest = rest[len(number):]
		unit := leading(rest, func(r rune) bool { return !isNumeral(r) })
		rest = rest[len(unit):]
		factor, ok := durationUnits[unit]
		switch {
		case !isNumber(number):
			return 0, errors.New("is not a duration")
		case unit == "":
			return 0, errors.New("lacks a unit")
		case !ok:
			return 0, fmt.Errorf("has the unknown unit %s", quote(unit))
		}
		r, ok := new(big.Rat).SetString(number)
		if !ok {
			return 0, errors.New("is not a duration")
		}
		total.Add(total, r.Mul(r, new(big.Rat).SetInt64(int64(factor))))
	}
	n := new(big.Int).Quo(total.Num(), total.Denom())
	if !n.IsInt64() {
		return 0, errors.New("is too long")
	}
	return time.Duration(n.Int64()), nil
}

// parseDigest parses a SHA-256 digest, alone or as sha256sum(1) prints it: followed by a
// name, which an asterisk may precede. Blanks within the name belong to it.
func parseDigest(v string) (ExpectedDigest, error) {
	digest, rest := v, ""
	if i := strings.IndexAny(v, " \t"); i >= 0 {
		digest, rest = v[:i], v[i:]
	}
	name, starred := strings.CutPrefix(rest, " *")
	if name = strings.TrimLeft(name, " \t"); starred && name == "" {
		return ExpectedDigest{}, errors.New("ends where the name of an artifact should be")
	}
	if name != "" {
		if _, err := parseLine(name); err != nil {
			return ExpectedDigest{}, err
		}
	}
	algorithm, sum, found := strings.Cut(digest, ":")
	switch {
	case !found:
		sum = digest
	case !strings.EqualFold(algorithm, "sha256"):
		return ExpectedDigest{}, fmt.Errorf("is a digest of the unknown algorithm %s", quote(algorithm))
	}
	if !isHex(sum, 64) {
		return ExpectedDigest{}, errors.New("is not a SHA-256 digest, which has 64 hexadecimal digits")
	}
	return ExpectedDigest{SHA256: strings.ToLower(sum), Artifact: name}, nil
}

func parseAge(v string) (time.Duration, error) {
	d, err := parseDuration(v)
	if err == nil && d == 0 {
		return 0, errors.New("must be greater than 0")
	}
	return d, err
}

func isNumeral(r rune) bool { return '0' <= r && r <= '9' || r == '.' }

// isNumber reports whether s is digits with at most one point among them, and short
// enough for big.Rat, whose time grows with the length.
func isNumber(s string) bool {
	const longest = 32
	whole, fraction, point := strings.Cut(s, ".")
	return len(s) <= longest && whole != "" && (!point || fraction != "") && !strings.Contains(fraction, ".")
}

func leading(s string, f func(rune) bool) string {
	if i := strings.IndexFunc(s, func(r rune) bool { return !f(r) }); i >= 0 {
		return s[:i]
	}
	return s
}
