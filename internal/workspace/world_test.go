//go:build unix

package workspace

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"path"
	"slices"
)

// world makes trees up.
type world struct{ *rand.Rand }

func (w world) pick(list ...string) string { return list[w.IntN(len(list))] }

// lines are at most n files, with directories, symlinks and modes; no path is
// two things.
func (w world) lines(n int, targets ...string) []string {
	var lines []string
	isDir := map[string]bool{} // paths made so far
	for range w.IntN(n + 1) {
		parts := []string{w.pick("a", "b", "c", "l")}
		for w.IntN(2) == 0 && len(parts) < 4 {
			parts = append(parts, w.pick("a", "b", "d", "e"))
		}
		if w.IntN(8) > 0 { // else a file of a directory's name, for clashes
			parts = append(parts, w.pick("f", "g"))
		}
		p := path.Join(parts...)
		if _, ok := isDir[p]; ok || w.belowFile(isDir, parts) {
			continue
		}
		for i := range len(parts) - 1 {
			isDir[path.Join(parts[:i+1]...)] = true
		}
		isDir[p] = false
		switch w.IntN(8) {
		case 0:
			lines = append(lines, p+" -> "+w.pick(targets...))
		case 1:
			isDir[p] = true
			lines = append(lines, w.pick("0755", "0555", "0700", "02775")+" "+p+"/")
		default:
			lines = append(lines, fmt.Sprintf("%s %s=%d", w.pick("0644", "0444", "0755", "0600"), p, w.IntN(1000)))
		}
	}
	// Some directories that have files get modes of their own.
	for _, p := range slices.Sorted(maps.Keys(isDir)) { // the order of a map is no seed's
		if isDir[p] && w.IntN(6) == 0 {
			lines = append(lines, w.pick("0555", "0700", "0775")+" "+p+"/")
		}
	}
	slices.Sort(lines)
	return lines
}

func (w world) belowFile(isDir map[string]bool, parts []string) bool {
	for i := range len(parts) - 1 {
		if dir, ok := isDir[path.Join(parts[:i+1]...)]; ok && !dir {
			return true
		}
	}
	return false
}
