package unpack

import (
	"cmp"
	"hash/maphash"
	"slices"
	"strings"
)

// spelling has two hashes of a name: one without regard to case, and one of the
// exact spelling. Hashes, because a million long names take hundreds of
// megabytes.
type spelling struct{ folded, exact uint64 }

func (s spelling) compare(other spelling) int {
	return cmp.Or(cmp.Compare(s.folded, other.folded), cmp.Compare(s.exact, other.exact))
}

// CaseCollisions lists pairs of names that are one name on a file system that
// ignores case. It lists no more than most, and returns how many others there
// are. When the archive's reader fails it lists none: Extract reads the same
// bytes, and its error says why.
func (a *Archive) CaseCollisions(most int) (pairs [][2]string, more int) {
	seed := maphash.MakeSeed()
	fold := func(name string) uint64 { return maphash.String(seed, strings.ToLower(name)) }
	twice, err := a.foldedTwice(fold)
	if err != nil || len(twice) == 0 {
		return nil, 0
	}
	var all []spelling
	err = eachChosen(a.index, func(e *Entry) error {
		if h := fold(e.Name); has(twice, h) {
			all = append(all, spelling{h, maphash.String(seed, e.Name)})
		}
		return nil
	})
	if err != nil {
		return nil, 0
	}
	slices.SortFunc(all, spelling.compare)
	all = slices.Compact(all) // directories may be there twice
	twice = twice[:0]
	for i := 1; i < len(all); i++ {
		if all[i].folded == all[i-1].folded {
			twice = append(twice, all[i].folded)
		}
	}
	first := map[uint64]string{} // names, by their hashes
	err = eachChosen(a.index, func(e *Entry) error {
		h := fold(e.Name)
		if !has(twice, h) {
			return nil
		}
		name, ok := first[h]
		pair := [2]string{name, e.Name}
		switch {
		case !ok && len(first) < most:
			first[h] = strings.Clone(e.Name)
		case ok && name != e.Name && len(pairs) < most && !slices.Contains(pairs, pair):
			pair[1] = strings.Clone(e.Name)
			pairs = append(pairs, pair)
		}
		return nil
	})
	if err != nil {
		return nil, 0
	}
	return pairs, len(twice) - len(pairs)
}

// foldedTwice returns the hashes, by fold, that more than one entry has; sorted.
func (a *Archive) foldedTwice(fold func(string) uint64) ([]uint64, error) {
	all := make([]uint64, 0, a.entries)
	err := eachChosen(a.index, func(e *Entry) error {
		all = append(all, fold(e.Name))
		return nil
	})
	if err != nil {
		return nil, err
	}
	slices.Sort(all)
	twice := all[:0]
	for i, h := range all {
		if i+1 < len(all) && h == all[i+1] {
			twice = append(twice, h)
		}
	}
	return slices.Compact(twice), nil
}

// has reports whether a sorted slice has h.
func has(sorted []uint64, h uint64) bool {
	_, ok := slices.BinarySearch(sorted, h)
	return ok
}
